/** The sentry of each gVisor pod, from its start to its end: the root container, kept by the keeper as an init is. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory } from '../../runtime/durable-file.js';
import { forgetWhenEnded } from '../../runtime/keeper/forget.js';
import type { ContainerTarget } from '../../runtime/oci/oci-runtime.js';
import { hidingCoreSysctls } from '../../runtime/oci/runsc.js';
import { createKept, runtimeLog, silentStdio } from '../kept/create-kept.js';
import { initId } from '../pod/init-rootfs.js';
import type { PodRecord } from '../pod-record.js';
import type { GvisorBackendParts } from './parts.js';
import { runscRoot, runscRoots, sandboxName } from './places.js';
import { type RootAdditions, rootBundle } from './root.js';

export class Sentries {
  readonly #parts: GvisorBackendParts;

  constructor(parts: GvisorBackendParts) {
    this.#parts = parts;
  }

  async start(pod: PodRecord, podDirectory: string, additions: RootAdditions): Promise<void> {
    const { state, cgroupDriver, cgroups, runtime, hideCoreSysctls } = this.#parts;
    const bundle = await rootBundle(pod, podDirectory, state, cgroupDriver.ociPath(this.cgroup(pod)), additions);
    const target = this.target(pod);
    await cgroups.requireUnused(this.cgroup(pod));
    await makeDirectory(target.root, 0o711);
    const argv = runtime.runArgv({ ...target, bundle });
    const enter = ['nsenter', `--net=${pod.namespaces.network}`];
    const request = {
      id: initId(pod.id),
      bundle,
      createArgv: hideCoreSysctls ? hidingCoreSysctls(argv, enter) : argv,
      stdio: silentStdio({ uid: 0, gid: 0 }),
      cgroupDirs: cgroups.directories(this.cgroup(pod)),
    };
    await createKept(this.#parts, request, () => this.#clear(pod));
  }

  /** Kills it with all that is in it, and waits until the keeper has let go of it. Idempotent. */
  async stop(pod: PodRecord): Promise<void> {
    await this.#parts.cgroups.kill(this.cgroup(pod));
    await forgetWhenEnded(this.#parts.keeper, initId(pod.id));
    await this.#clear(pod);
  }

  async alive(pod: PodRecord): Promise<boolean> {
    const kept = (await this.#parts.keeper.list()).find(({ id }) => id === initId(pod.id));
    return kept !== undefined && kept.exit === undefined;
  }

  /** The root container, to runsc. */
  target(pod: PodRecord): ContainerTarget {
    const { state } = this.#parts;
    const log = runtimeLog(path.join(state, 'pods', pod.id, 'sentry'));
    return { id: sandboxName(pod.id), root: runscRoot(state, pod.id), log };
  }

  /** Removes what runsc left of sandboxes whose names are not among `names`; start-up has ended their processes. */
  async sweep(names: ReadonlySet<string>): Promise<void> {
    const roots = runscRoots(this.#parts.state);
    const found = await fs.readdir(roots).catch(() => []); // no gVisor pod was ever here
    for (const name of found) {
      if (!names.has(name)) await fs.rm(path.join(roots, name), { recursive: true, force: true });
    }
  }

  async #clear(pod: PodRecord): Promise<void> {
    const { cgroups, sampler, state } = this.#parts;
    await cgroups.kill(this.cgroup(pod));
    await cgroups.remove(this.cgroup(pod));
    sampler.forget(this.cgroup(pod));
    await fs.rm(runscRoot(state, pod.id), { recursive: true, force: true });
  }

  /** Where the sentry runs, with all of its containers. */
  cgroup(pod: PodRecord): string {
    return this.#parts.cgroupDriver.containerCgroup(pod.cgroup, initId(pod.id));
  }
}
