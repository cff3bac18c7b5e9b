/**
 * Looks after the containers of one pod as a kubelet would: init containers one after the other, then all others,
 * each started again as the restart policy says.
 *
 *   create -> start -> running -> exited --(no restart, or stopping)--> done
 *      ^                            |
 *      +------- back-off <----------+
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../../../runtime/errors.js';
import { ContainerState, type ContainerStatus } from '../../api/generated/index.js';
import type { CriClient } from '../../client.js';
import { stopContainer } from '../commands/stop.js';
import type { ContainerManifest, PodManifest } from '../manifest.js';
import { patiently } from './patience.js';
import { containerRequest, type PodIdentity, podRequest } from './requests.js';
import { bindMounts, type VolumePaths } from './volumes.js';

/** The kubelet's: the first restart comes at once, then 10 s doubling to 5 min, forgotten after 10 min of running. */
const BACK_OFF_MS = 10_000;
const MAX_BACK_OFF_MS = 300_000;
const FORGET_AFTER_MS = 600_000;

const POLL_MS = 200;

export interface Ended {
  readonly name: string;
  readonly exitCode: number;
  readonly finishedAt: bigint;
}

export interface SupervisorParts {
  readonly cri: CriClient;
  readonly manifest: PodManifest;
  readonly identity: PodIdentity;
  readonly podSandboxId: string;
  /** Where the volumes of such pods are. */
  readonly localPods: string;
  readonly volumes: VolumePaths;
  /** Aborted: nothing is started any more. */
  readonly stopping: AbortSignal;
  /** Called for each container that was started; what it returns is awaited once that one has ended. */
  readonly started: (container: ContainerManifest, status: ContainerStatus, ended: () => boolean) => Promise<void>;
  /** A line for the person who looks on. */
  readonly say: (line: string) => void;
}

type RestartPolicy = PodManifest['restartPolicy'];

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #running = new Set<string>();

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  /** Runs the init containers in order. Returns the one that failed for good; undefined when all have succeeded. */
  async runInit(): Promise<Ended | undefined> {
    const { manifest } = this.#parts;
    const policy = manifest.restartPolicy === 'Never' ? 'Never' : 'OnFailure';
    for (const container of manifest.initContainers) {
      if (this.#parts.stopping.aborted) return undefined;
      const ended = await this.#keepRunning(container, policy);
      if (ended.exitCode !== 0) return ended;
    }
    return undefined;
  }

  /** Runs the other containers until none is to be started again. */
  async runAll(): Promise<Ended[]> {
    const { manifest } = this.#parts;
    return Promise.all(manifest.containers.map((container) => this.#keepRunning(container, manifest.restartPolicy)));
  }

  /** Starts the other containers once and leaves them alone. */
  async startAll(): Promise<void> {
    for (const container of this.#parts.manifest.containers) await this.#start(container, 0);
  }

  /** Stops what runs. `timeout` in seconds; 0 kills. */
  async stopAll(timeout: number): Promise<void> {
    const { cri } = this.#parts;
    await Promise.all(
      [...this.#running].map((containerId) => patiently(() => stopContainer(cri, containerId, BigInt(timeout)))),
    );
  }

  async #keepRunning(container: ContainerManifest, policy: RestartPolicy): Promise<Ended> {
    const { cri, say, stopping } = this.#parts;
    let backOff = 0;
    for (let attempt = 0; ; attempt += 1) {
      const began = performance.now();
      const status = await this.#runOnce(container, attempt);
      const { exitCode, finishedAt, reason } = status;
      const ended = { name: container.name, exitCode, finishedAt };
      if (stopping.aborted || !mustRestart(policy, exitCode)) return ended;
      if (performance.now() - began > FORGET_AFTER_MS) backOff = 0;
      say(
        `${container.name} ended with ${exitCode} (${reason}); it starts again ${backOff === 0 ? 'now' : `in ${backOff / 1000} s`}`,
      );
      await sleep(backOff, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return ended;
      await patiently(() => cri.runtime.removeContainer({ containerId: status.id }));
      backOff = backOff === 0 ? BACK_OFF_MS : Math.min(backOff * 2, MAX_BACK_OFF_MS);
    }
  }

  async #runOnce(container: ContainerManifest, attempt: number): Promise<ContainerStatus> {
    const containerId = await this.#start(container, attempt);
    let over = false;
    this.#running.add(containerId);
    try {
      const followed = this.#parts.started(container, await this.#status(containerId), () => over);
      // It may have been started while the stop was already under way.
      if (this.#parts.stopping.aborted) await this.stopAll(this.#parts.manifest.terminationGraceSeconds);
      const status = await this.#waitForExit(containerId);
      over = true;
      await followed;
      return status;
    } finally {
      over = true;
      this.#running.delete(containerId);
    }
  }

  async #start(container: ContainerManifest, attempt: number): Promise<string> {
    const { cri, manifest, identity, localPods, podSandboxId, volumes, say } = this.#parts;
    const mounts = await bindMounts({ localPods, uid: identity.uid, say }, container, volumes);
    const { containerId } = await cri.runtime.createContainer({
      podSandboxId,
      config: containerRequest(manifest, identity, container, mounts, attempt),
      sandboxConfig: podRequest(manifest, identity),
    });
    try {
      await cri.runtime.startContainer({ containerId });
    } catch (error) {
      // A command that cannot run is an exit like others, with a code and a reason.
      const { state } = await this.#status(containerId);
      if (state !== ContainerState.CONTAINER_EXITED) throw error;
      say(messageOf(error));
    }
    return containerId;
  }

  async #waitForExit(containerId: string): Promise<ContainerStatus> {
    for (;;) {
      const status = await this.#status(containerId);
      if (status.state === ContainerState.CONTAINER_EXITED) return status;
      await sleep(POLL_MS);
    }
  }

  async #status(containerId: string): Promise<ContainerStatus> {
    const { status } = await patiently(() => this.#parts.cri.runtime.containerStatus({ containerId }));
    if (status === undefined) throw new CribError('INTERNAL', `the daemon gave no status of container ${containerId}`);
    return status;
  }
}

function mustRestart(policy: RestartPolicy, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}
