/** A container as it is on disk and in memory. */

import type { ContainerConfig, Resources } from '../runtime/containers/config.js';
import type { KeptExit } from '../runtime/keeper/protocol.js';
import { Serial } from '../runtime/serial.js';
import type { ResolvedUser } from '../runtime/spec/types.js';
import type { VolumeDecision } from '../volumes/types.js';
import type { ContainerView } from './types.js';

/**
 * ```
 *           StartContainer             init ends
 *  created ----------------> running ------------> exited ---> (removed)
 *     |                         |                    ^
 *     |                         | its end was seen   |
 *     |                         v by nobody          |
 *     |                      exited, Unknown         |
 *     +----------------------------------------------+
 *        the runtime cannot start it: ContainerCannotRun
 * ```
 */
export type ContainerState = 'created' | 'running' | 'exited';

export interface ContainerRecord {
  readonly version: 1;
  readonly id: string;
  readonly podId: string;
  readonly config: ContainerConfig;
  readonly imageId: string;
  readonly imageRef: string;
  /** Chain ids of the layers of its image and of its image volumes; they stay while the container does. */
  readonly chain: readonly string[];
  readonly state: ContainerState;
  /** Nanoseconds since the epoch, decimal; `0`: not yet. */
  readonly createdAt: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
  readonly user: ResolvedUser;
  readonly resources: Resources;
  readonly stopSignal: string;
  readonly cgroup: string;
  /** Its OCI specification has hooks: the OCI runtime must delete it. */
  readonly hasHooks: boolean;
  /** The handler that runs it: of a pod of `host` that is the OCI runtime's own. */
  readonly runtime: string;
  readonly pid: number;
  readonly startTime: string;
  readonly volumes: readonly VolumeDecision[];
}

export function isContainerRecord(value: unknown): value is ContainerRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<ContainerRecord>;
  return (
    record.version === 1 &&
    typeof record.id === 'string' &&
    typeof record.podId === 'string' &&
    typeof record.state === 'string' &&
    typeof record.cgroup === 'string' &&
    typeof record.createdAt === 'string' &&
    Array.isArray(record.chain) &&
    record.config?.metadata !== undefined
  );
}

export class Container {
  record: ContainerRecord;
  /** Start, stop and remove of one container do not overlap. */
  readonly serial = new Serial();
  /** An exit that was seen before the start was recorded. */
  seenExit: KeptExit | undefined;
  /** The start that is in progress, or waits for its turn. */
  starting: Promise<void> | undefined;
  /** The recording of an exit that is in progress. */
  ending: Promise<void> | undefined;
  /** Changes of the record take turns: each is made to what the one before left. */
  readonly saves = new Serial();
  /** Its record is gone, and must not come back with a change. */
  removed = false;
  /** Those who wait for the exit. */
  readonly #waiting = new Set<() => void>();
  #exited: boolean;

  constructor(record: ContainerRecord) {
    this.record = record;
    this.#exited = record.state === 'exited';
  }

  get id(): string {
    return this.record.id;
  }

  /** Called once the exit is on disk. */
  markExited(): void {
    this.#exited = true;
    for (const wake of this.#waiting) wake();
  }

  /** True when it has exited within `milliseconds`. */
  async waitForExit(milliseconds: number): Promise<boolean> {
    if (this.#exited || this.record.state === 'exited') return true;
    return new Promise((resolve) => {
      const end = (exited: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(exited);
      };
      const wake = () => end(true);
      const timer = setTimeout(end, milliseconds, false);
      this.#waiting.add(wake);
    });
  }

  view(): ContainerView {
    return containerView(this.record);
  }
}

const views = new WeakMap<ContainerRecord, ContainerView>();

/** The same object for the same record, so that what is made of a view (a message) can be kept as long. */
export function containerView(record: ContainerRecord): ContainerView {
  const known = views.get(record);
  if (known !== undefined) return known;
  const {
    version: _version,
    chain: _chain,
    cgroup: _cgroup,
    runtime: _runtime,
    startTime: _startTime,
    ...seen
  } = record;
  const view = {
    ...seen,
    createdAt: BigInt(seen.createdAt),
    startedAt: BigInt(seen.startedAt),
    finishedAt: BigInt(seen.finishedAt),
  };
  views.set(record, view);
  return view;
}

/** What makes a container the same one within its pod. */
export function containerKey(podId: string, config: ContainerConfig): string {
  return JSON.stringify([podId, config.metadata.name, config.metadata.attempt]);
}
