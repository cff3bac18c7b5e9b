/** Makes the pods and containers of the measurements, on any contestant. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from './contestant.js';
import { containerConfig, type PidMode, podConfig } from './requests.js';

/** Ends at once when it is asked to, also as PID 1: from when it says that it is up. */
const UP = 'up';
const POLITE = ['sh', '-c', `trap 'exit 0' TERM; echo ${UP}; while :; do sleep 3600 & wait; done`];
const UP_TIMEOUT_MS = 30_000;
const IDLE = ['sleep', '86400'];

export interface Running {
  readonly pod: string;
  readonly container: string;
}

export class Workload {
  readonly #dir: string;
  readonly #image: string;
  readonly cgroupParent: string;
  #count = 0;
  #closed = false;

  private constructor(dir: string, image: string) {
    this.#dir = dir;
    this.#image = image;
    this.cgroupParent = `/crib-bench-${process.pid}`;
  }

  static async create(dir: string, image: string): Promise<Workload> {
    await mkdir(join(dir, 'token'), { recursive: true });
    await writeFile(join(dir, 'hosts'), '127.0.0.1\tlocalhost\n');
    await writeFile(join(dir, 'token', 'token'), 'secret\n');
    return new Workload(dir, image);
  }

  get image(): string {
    return this.#image;
  }

  /** No pod is made from now on: what measures goes on until its next pod, while the clean-up begins. */
  close(): void {
    this.#closed = true;
  }

  /** A pod's request with a name and a log directory of its own. */
  async pod(pidMode: PidMode, hostPort?: number) {
    if (this.#closed) throw new Error('no pod is made any more: the run is being ended');
    this.#count += 1;
    const name = `p${this.#count}`;
    const logDirectory = join(this.#dir, 'logs', name);
    await mkdir(logDirectory, { recursive: true });
    const port = hostPort === undefined ? {} : { hostPort };
    return podConfig({ name, pidMode, logDirectory, cgroupParent: this.cgroupParent, ...port });
  }

  /** `polite`: ends on SIGTERM. Anything else is a program to run. */
  container(pidMode: PidMode, program: 'polite' | 'idle' | readonly string[]) {
    const command = program === 'polite' ? POLITE : program === 'idle' ? IDLE : program;
    const hostsFile = join(this.#dir, 'hosts');
    return containerConfig({ image: this.#image, pidMode, command, hostsFile, tokenDir: join(this.#dir, 'token') });
  }

  /** A pod with a container that runs `program`. */
  async run(on: Contestant, program: 'polite' | 'idle' | readonly string[], pidMode: PidMode = 'CONTAINER') {
    const sandboxConfig = await this.pod(pidMode);
    const { podSandboxId } = await on.cri.runtime.runPodSandbox({ config: sandboxConfig });
    const config = this.container(pidMode, program);
    const request = { podSandboxId, config, sandboxConfig };
    const { containerId } = await on.cri.runtime.createContainer(request);
    await on.cri.runtime.startContainer({ containerId });
    return { pod: podSandboxId, container: containerId, logFile: join(String(sandboxConfig.logDirectory), 'main.log') };
  }

  /** Waits until a polite container in the pod of `sandboxConfig` has said that it is up. */
  async untilUp({ logDirectory }: { readonly logDirectory?: string | undefined }): Promise<void> {
    const file = join(String(logDirectory), 'main.log');
    for (const until = performance.now() + UP_TIMEOUT_MS; performance.now() < until; await sleep(2)) {
      if ((await readFile(file, 'utf8').catch(() => '')).includes(UP)) return;
    }
    throw new Error(`${file} does not say "${UP}" after ${UP_TIMEOUT_MS} ms`);
  }

  /** A file that containers wait for: it is there for all of them at once. */
  gate(name: string): { readonly inside: string; open(): Promise<void>; close(): Promise<void> } {
    const file = join(this.#dir, 'token', name);
    return { inside: `/run/token/${name}`, open: () => writeFile(file, ''), close: () => rm(file, { force: true }) };
  }

  async remove(on: Contestant, { pod }: Running): Promise<void> {
    await on.cri.runtime.stopPodSandbox({ podSandboxId: pod });
    await on.cri.runtime.removePodSandbox({ podSandboxId: pod });
  }
}
