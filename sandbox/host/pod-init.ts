/** The init of a pod whose containers share one PID namespace, from its start to its end. What it is made of: init.ts. */

import type { CgroupDriver } from '../../runtime/cgroups/driver.js';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import { CribError } from '../../runtime/errors.js';
import { forgetWhenEnded } from '../../runtime/keeper/forget.js';
import type { Keeper, KeptContainer } from '../../runtime/keeper/protocol.js';
import { startTimeOf } from '../../runtime/linux/processes.js';
import type { HostFacts } from '../../runtime/spec/types.js';
import { silentStdio } from '../kept/create-kept.js';
import type { KeptProcesses } from '../kept/kept-processes.js';
import { initId } from '../pod/init-rootfs.js';
import { outside } from '../pod/owners.js';
import type { PodRecord } from '../pod-record.js';
import { initBundle } from './init.js';

export interface PodInitParts {
  readonly state: string;
  readonly keeper: Keeper;
  readonly cgroups: Cgroups;
  readonly cgroupDriver: CgroupDriver;
  readonly host: HostFacts;
}

export class PodInits {
  readonly #parts: PodInitParts;
  readonly #kept: KeptProcesses;

  constructor(parts: PodInitParts, kept: KeptProcesses) {
    this.#parts = parts;
    this.#kept = kept;
  }

  /** Like the others, does nothing for a pod that shares no PID namespace. */
  async start(pod: PodRecord, podDirectory: string): Promise<void> {
    if (pod.namespaces.pid !== 'pod') return;
    const { state, host, cgroupDriver } = this.#parts;
    const bundle = await initBundle(pod, podDirectory, state, host, cgroupDriver);
    const { user } = pod.namespaces;
    const stdio = silentStdio({ uid: outside(user?.uids, 0), gid: outside(user?.gids, 0) });
    await this.#kept.create(initId(pod.id), bundle, this.#cgroup(pod), stdio);
  }

  /** Kills it and waits until the keeper has let go of it. Idempotent. */
  async stop(pod: PodRecord): Promise<void> {
    if (pod.namespaces.pid !== 'pod') return;
    const id = initId(pod.id);
    await this.#parts.cgroups.kill(this.#cgroup(pod));
    await forgetWhenEnded(this.#parts.keeper, id);
    await this.#kept.clear(id, this.#cgroup(pod));
  }

  /** One that the keeper does not have is nobody's any more: no container can join its namespace. */
  async alive(pod: PodRecord): Promise<boolean> {
    if (pod.namespaces.pid !== 'pod') return true;
    const init = await this.#find(pod);
    return init !== undefined && init.exit === undefined;
  }

  /** Path of the shared PID namespace. Throws FAILED_PRECONDITION when its init, and so the namespace, has ended. */
  async namespace(pod: PodRecord): Promise<string> {
    const init = await this.#find(pod);
    if (init === undefined || init.exit !== undefined || startTimeOf(init.pid) !== init.startTime) {
      throw new CribError('FAILED_PRECONDITION', `the init of pod ${pod.id}'s shared PID namespace has ended`);
    }
    return `/proc/${init.pid}/ns/pid`;
  }

  #cgroup(pod: PodRecord): string {
    return this.#parts.cgroupDriver.containerCgroup(pod.cgroup, initId(pod.id));
  }

  async #find(pod: PodRecord): Promise<KeptContainer | undefined> {
    return (await this.#parts.keeper.list()).find((kept) => kept.id === initId(pod.id));
  }
}
