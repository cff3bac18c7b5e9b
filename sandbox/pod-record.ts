/** A pod as it is on disk and in memory. */

import { Serial } from '../runtime/serial.js';
import type { NamespacePaths } from '../runtime/spec/types.js';
import type { VolumeDecision } from '../volumes/types.js';
import type { PodConfig } from './config.js';
import type { PodView } from './types.js';

/**
 * ```
 *            network, namespaces            StopPodSandbox           everything released
 *  creating ----------------------> ready ------------------> stopping ------------------> not-ready
 *     |                               |                           |                            |
 *     | failure, or crash: undone     | reboot: nothing is left   | crash: stopped again       | RemovePodSandbox
 *     v                               +---------------------------+--------> not-ready         v
 *   (gone)                                                                                   (gone)
 * ```
 * `creating` and `stopping` refuse new containers.
 */
export type PodState = 'creating' | 'ready' | 'stopping' | 'not-ready';

export interface PodRecord {
  readonly version: 1;
  readonly id: string;
  readonly config: PodConfig;
  readonly handler: string;
  /** As the client named it, empty for the default; not in records of the first version. */
  readonly requestedHandler?: string;
  readonly state: PodState;
  /** Nanoseconds since the epoch, decimal. */
  readonly createdAt: string;
  readonly ips: readonly string[];
  /** The pod's cgroup, in which its containers' lie. */
  readonly cgroup: string;
  /** True where crib made that cgroup itself, because the client named no parent. */
  readonly ownsCgroup: boolean;
  readonly namespaces: NamespacePaths;
  /** Out-of-memory kills in its cgroup that are accounted for (out-of-memory.ts); absent: 0. */
  readonly oomKills?: number;
  /** How containers that are gone had the pod's volumes (settled-volumes.ts); absent: none to speak of. */
  readonly settledVolumes?: readonly VolumeDecision[];
  /** Why crib itself has stopped it; absent where it was asked to, or it runs. */
  readonly stopReason?: string;
  /** /proc/sys/kernel/random/boot_id of the boot it was made in. */
  readonly bootId: string;
}

export function isPodRecord(value: unknown): value is PodRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<PodRecord>;
  return (
    record.version === 1 &&
    typeof record.id === 'string' &&
    typeof record.state === 'string' &&
    typeof record.cgroup === 'string' &&
    typeof record.createdAt === 'string' &&
    record.config?.metadata !== undefined &&
    record.namespaces !== undefined
  );
}

export class Pod {
  record: PodRecord;
  /** Run, stop and remove of one pod do not overlap. */
  readonly serial = new Serial();
  /** Changes of the record take turns: each is made to what the one before left. */
  readonly saves = new Serial();
  /** Its record is gone, and must not come back with a change. */
  removed = false;
  readonly #ending = new AbortController();

  constructor(record: PodRecord) {
    this.record = record;
  }

  get id(): string {
    return this.record.id;
  }

  /** Aborted once the pod is being stopped: what is made for it meanwhile is given up. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  end(): void {
    this.#ending.abort();
  }

  view(): PodView {
    return podView(this.record);
  }
}

const views = new WeakMap<PodRecord, PodView>();

/** The same object for the same record, as of a container. */
export function podView(record: PodRecord): PodView {
  const known = views.get(record);
  if (known !== undefined) return known;
  const { id, config, handler, requestedHandler, state, createdAt, ips } = record;
  const view: PodView = {
    id,
    config,
    handler: requestedHandler ?? handler,
    state: state === 'ready' ? 'ready' : 'not-ready',
    createdAt: BigInt(createdAt),
    ips,
  };
  views.set(record, view);
  return view;
}

/** What makes a pod the same one: a retry of RunPodSandbox with all four joins the call in progress. */
export function podKey(config: PodConfig): string {
  const { namespace, name, uid, attempt } = config.metadata;
  return JSON.stringify([namespace, name, uid, attempt]);
}
