/** What the keeper runs for pods through an OCI runtime: containers, and the inits of shared PID namespaces. */

import fs from 'node:fs';
import path from 'node:path';
import type { CgroupSampler } from '../../runtime/cgroups/sampler.js';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import type { Keeper, KeptContainer, KeptStdio } from '../../runtime/keeper/protocol.js';
import type { Log } from '../../runtime/log.js';
import { CONSOLE_SOCKET, type OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { createKept, runtimeLog } from './create-kept.js';

export interface KeptProcessParts {
  /** Directory of everything that a reboot may drop. */
  readonly state: string;
  readonly keeper: Keeper;
  readonly cgroups: Cgroups;
  readonly sampler: CgroupSampler;
  readonly runtime: OciRuntime;
  readonly log: Log;
}

export class KeptProcesses {
  readonly #parts: KeptProcessParts;

  constructor(parts: KeptProcessParts) {
    this.#parts = parts;
  }

  /** Where the OCI runtime has its state of all of them. */
  get runtimeRoot(): string {
    return path.join(this.#parts.state, 'oci', this.#parts.runtime.name);
  }

  /**
   * Creates and starts `bundle`. Throws what the runtime says; nothing is left then, or it goes with the container.
   * FAILED_PRECONDITION for a cgroup that is frozen or has processes already, which are left alone.
   */
  async create(id: string, bundle: string, cgroup: string, stdio: KeptStdio): Promise<KeptContainer> {
    const { runtime, cgroups } = this.#parts;
    await cgroups.requireUnused(cgroup);
    const console = stdio.tty ? { consoleSocket: CONSOLE_SOCKET } : {};
    const target = { id, bundle, root: this.runtimeRoot, log: runtimeLog(bundle) };
    const createArgv = runtime.runArgv({ ...target, ...console });
    const request = { id, bundle, createArgv, stdio, cgroupDirs: cgroups.directories(cgroup) };
    return createKept(this.#parts, request, () => this.clear(id, cgroup));
  }

  /**
   * Does by hand what `delete` of the runtime does for a container whose processes have ended and that has no hooks:
   * its cgroup and its state directory go. A Go process for that takes longer than all else of a removal (docs/adr/004).
   */
  async clear(id: string, cgroup: string): Promise<void> {
    await this.#parts.cgroups.kill(cgroup);
    await this.#parts.cgroups.remove(cgroup);
    this.#parts.sampler.forget(cgroup);
    fs.rmSync(path.join(this.runtimeRoot, id), { recursive: true, force: true }); // one file, mostly in memory
  }
}
