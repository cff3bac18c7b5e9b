/** What the keeper runs for pods through an OCI runtime: containers, and the inits of shared PID namespaces. */

import fs from 'node:fs';
import path from 'node:path';
import type { CgroupSampler } from '../../runtime/cgroups/sampler.js';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import { messageOf } from '../../runtime/errors.js';
import type { Keeper, KeptContainer, KeptStdio } from '../../runtime/keeper/protocol.js';
import type { Log } from '../../runtime/log.js';
import { CONSOLE_SOCKET, type OciRuntime } from '../../runtime/oci/oci-runtime.js';

const CREATE_TIMEOUT_MS = 120_000;
/** Longest line of a container's log, in bytes, before it is split (containerd's max_container_log_line_size). */
export const LOG_LINE_MAX = 16 * 1024;

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

  /** Creates and starts `bundle`. Throws what the runtime says; nothing is left then, or it goes with the container. */
  async create(id: string, bundle: string, cgroup: string, stdio: KeptStdio): Promise<KeptContainer> {
    const { runtime, keeper, cgroups, log } = this.#parts;
    const runtimeLog = path.join(bundle, 'runtime.log');
    const console = stdio.tty ? { consoleSocket: CONSOLE_SOCKET } : {};
    try {
      return await keeper.create({
        id,
        directory: path.join(bundle, 'io'),
        createArgv: runtime.runArgv({ id, bundle, root: this.runtimeRoot, log: runtimeLog, ...console }),
        env: runtimeEnvironment(),
        runtimeLog,
        stdio,
        createTimeoutMs: CREATE_TIMEOUT_MS,
        cgroupDirs: cgroups.directories(cgroup),
      });
    } catch (error) {
      // What cannot be cleared yet (the keeper died, and the runtime goes on for a moment) goes with the container.
      await this.clear(id, cgroup).catch((failure: unknown) => {
        log.warn({ id, error: messageOf(failure) }, 'a container that was not created is not cleared away yet');
      });
      throw error;
    }
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

/** OCI runtimes get a small, known environment: nothing of cribd's own reaches them. */
export function runtimeEnvironment(): Record<string, string> {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
}
