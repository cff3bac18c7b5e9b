/**
 * An OCI runtime's command line. The builders are pure; the keeper runs create, start and exec (it owns the processes
 * that they leave behind), crib itself runs what is short: delete and update.
 */

import fs from 'node:fs/promises';
import { CribError } from '../errors.js';
import type { OciResources } from '../spec/types.js';
import { runRuntime } from './run.js';

/** Replaced by the keeper with paths in the container's directory (runtime/keeper/protocol.ts). */
export const PID_FILE = '{pidFile}';
export const CONSOLE_SOCKET = '{consoleSocket}';

export interface RuntimeFeatures {
  /** `rro` mounts: recursively read-only. */
  readonly recursiveReadOnly: boolean;
  /** Containers in a pinned user namespace, on a root file system of id-mapped layers. */
  readonly userNamespaces: boolean;
  /** There, a bind mount brings the mounts below its source; crun 1.8 leaves them out. */
  readonly userNamespaceSubmounts: boolean;
  /** Why there are none; empty where there are. */
  readonly userNamespaceObstacle: string;
}

export interface RuntimeFacts {
  /** `crun`, `runc`, or the file's name. */
  readonly name: string;
  readonly path: string;
  /** As it prints it; empty where it does not. */
  readonly version: string;
  /** A container was run with it on this host. */
  readonly works: boolean;
  /** Why it does not work and what mends it; empty where it works. */
  readonly reason: string;
  readonly features: RuntimeFeatures;
}

/** Where a runtime keeps its state and writes its log, and which container is meant. */
export interface ContainerTarget {
  readonly id: string;
  /** `--root`: a directory of the runtime's own, lost at a reboot. Never shared between runtimes. */
  readonly root: string;
  /** `--log`: JSON lines are appended. */
  readonly log: string;
}

export interface CreateArguments extends ContainerTarget {
  readonly bundle: string;
  /** Default: the keeper's placeholder. */
  readonly pidFile?: string;
  /** CONSOLE_SOCKET for a container with a terminal. */
  readonly consoleSocket?: string;
  /** MS_MOVE in place of pivot_root(2), for a root file system on a ramdisk. */
  readonly noPivot?: boolean;
}

export interface ExecArguments extends ContainerTarget {
  /** File with an OCI `process` object. */
  readonly processFile: string;
  readonly pidFile?: string;
  /** runsc only: where it writes the pid in the container. */
  readonly internalPidFile?: string;
  readonly consoleSocket?: string;
  /** Ends once the process runs. Default: waits and ends with its exit code. */
  readonly detach?: boolean;
}

export class OciRuntime implements RuntimeFacts {
  readonly name: string;
  readonly path: string;
  readonly version: string;
  readonly works: boolean;
  readonly reason: string;
  readonly features: RuntimeFeatures;
  readonly #options: readonly string[];

  /** `options` go before each command: the cgroup driver's. */
  constructor(facts: RuntimeFacts, options: readonly string[] = []) {
    this.#options = options;
    this.name = facts.name;
    this.path = facts.path;
    this.version = facts.version;
    this.works = facts.works;
    this.reason = facts.reason;
    this.features = facts.features;
  }

  /** The same, with options before each command. */
  with(options: readonly string[]): OciRuntime {
    return new OciRuntime(this, options);
  }

  createArgv(args: CreateArguments): string[] {
    const options = ['--bundle', args.bundle, '--pid-file', args.pidFile ?? PID_FILE];
    if (args.consoleSocket !== undefined) options.push('--console-socket', args.consoleSocket);
    if (args.noPivot === true) options.push('--no-pivot');
    return this.#argv(args, 'create', options);
  }

  /** Create and start in one process of the runtime, which ends once init runs: half the cost of calling it twice. */
  runArgv(args: CreateArguments): string[] {
    const options = ['--detach', '--bundle', args.bundle, '--pid-file', args.pidFile ?? PID_FILE];
    if (args.consoleSocket !== undefined) options.push('--console-socket', args.consoleSocket);
    return this.#argv(args, 'run', options);
  }

  startArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'start');
  }

  execArgv(args: ExecArguments): string[] {
    const options = ['--process', args.processFile];
    if (args.pidFile !== undefined) options.push('--pid-file', args.pidFile);
    if (args.internalPidFile !== undefined) options.push('--internal-pid-file', args.internalPidFile);
    if (args.consoleSocket !== undefined) options.push('--console-socket', args.consoleSocket);
    if (args.detach === true) options.push('--detach');
    return this.#argv(args, 'exec', options);
  }

  /** `signal`: a number or a name without SIG. */
  killArgv(target: ContainerTarget, signal: string): string[] {
    return [...this.#argv(target, 'kill'), signal];
  }

  /** Forced: a container that still runs is killed. */
  deleteArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'delete', ['--force']);
  }

  /** `resourcesFile` holds OCI `linux.resources`. No `-`: crun opens /dev/stdin by name, which fails for a socket. */
  updateArgv(target: ContainerTarget, resourcesFile: string): string[] {
    return this.#argv(target, 'update', ['--resources', resourcesFile]);
  }

  /** Writes CRIU's images to `images`, which is made; its log goes to `work`. The container goes on running. */
  checkpointArgv(target: ContainerTarget, images: string, work: string): string[] {
    return this.#argv(target, 'checkpoint', ['--image-path', images, '--work-path', work, '--leave-running']);
  }

  pauseArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'pause');
  }

  resumeArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'resume');
  }

  /** runsc only: ends with the container, and prints its exit code as JSON. */
  waitArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'wait');
  }

  /** runsc only: prints a table of the container's processes: user, process, parent, and more. */
  psArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'ps');
  }

  /** runsc only: prints what the container uses, as JSON. */
  eventsArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'events', ['--stats']);
  }

  /** runsc only: connects to the unix socket and joins it to the port in the sandbox. */
  portForwardArgv(target: ContainerTarget, port: number, socket: string): string[] {
    return [...this.#argv(target, 'port-forward', ['--stream', socket]), String(port)];
  }

  /** runsc only: runs `command` in the container as user and group `id` with these capabilities. */
  execAsArgv(target: ContainerTarget, id: number, capabilities: readonly string[], command: readonly string[]) {
    const options = [`--user=${id}:${id}`, ...capabilities.map((name) => `--cap=${name}`)];
    return [...this.#argv(target, 'exec', options), ...command];
  }

  stateArgv(target: ContainerTarget): string[] {
    return this.#argv(target, 'state');
  }

  /** Runs a short command; see runRuntime for what it throws. */
  run(argv: readonly string[], timeoutMs: number, input: string | Buffer = '', signal?: AbortSignal): Promise<string> {
    return runRuntime(argv, timeoutMs, input, signal);
  }

  /** Removes what the runtime knows of the container. Idempotent. */
  async delete(target: ContainerTarget, timeoutMs = 10_000): Promise<void> {
    try {
      await runRuntime(this.deleteArgv(target), timeoutMs);
    } catch (error) {
      if (error instanceof CribError && error.code === 'NOT_FOUND') return;
      throw error;
    }
  }

  /** Changes the limits of a running container; not two at a time of one container. */
  async update(target: ContainerTarget, resources: OciResources, timeoutMs = 10_000): Promise<void> {
    const file = `${target.log}.resources`;
    try {
      await fs.writeFile(file, JSON.stringify(resources), { mode: 0o600 });
      await runRuntime(this.updateArgv(target, file), timeoutMs);
    } finally {
      await fs.rm(file, { force: true });
    }
  }

  #argv(target: ContainerTarget, command: string, options: readonly string[] = []): string[] {
    if (target.id.startsWith('-') || target.id === '') {
      throw new CribError(
        'INVALID_ARGUMENT',
        `container id "${target.id}" would be taken for an option of ${this.name}`,
      );
    }
    const globals = ['--root', target.root, '--log', target.log, '--log-format', 'json', ...this.#options];
    return [this.path, ...globals, command, ...options, target.id];
  }
}
