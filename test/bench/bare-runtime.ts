/**
 * The OCI runtime called by hand on a bundle that crib made: the floor under CreateContainer, StartContainer and
 * ExecSync, in the same run on the same machine.
 */

import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuMs } from './processes.js';
import { timed } from './results.js';

const TIMEOUT_MS = 30_000;

interface Spec {
  root: { path: string };
  linux: { cgroupsPath: string };
  process: { terminal?: boolean };
}

export class BareRuntime {
  readonly name: string;
  readonly #dir: string;
  readonly #cgroupParent: string;
  #spec: Spec;
  #count = 0;

  /** `spec`: of a container of crib that runs, whose root file system and network namespace are used along with it. */
  private constructor(name: string, dir: string, cgroupParent: string, spec: Spec) {
    this.name = name;
    this.#dir = dir;
    this.#cgroupParent = cgroupParent;
    this.#spec = spec;
  }

  /** Undefined, with the reason on stderr, when the runtime cannot run here. */
  static async create(name: string, dir: string, bundle: string, parent: string): Promise<BareRuntime | undefined> {
    await mkdir(dir, { recursive: true });
    const spec = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as Spec;
    const runtime = new BareRuntime(name, dir, parent, spec);
    try {
      await runtime.createAndStart();
      await runtime.#startForExec();
      return runtime;
    } catch (error) {
      await runtime.stop();
      console.error(`bench: ${name} cannot run here: ${String(error).slice(0, 300)}`);
      return undefined;
    }
  }

  /** Milliseconds of `create` and `start`, one after the other. */
  async createAndStart(): Promise<number> {
    const { id, bundle } = await this.#bundle();
    try {
      const { ms } = await timed(async () => {
        await this.#call(['create', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id]);
        await this.#call(['start', id]);
      });
      return ms;
    } finally {
      await this.#delete(id, bundle);
    }
  }

  /** Milliseconds of `run --detach`, which does both in one call. */
  async run(): Promise<number> {
    const { id, bundle } = await this.#bundle();
    try {
      return (await timed(() => this.#call(['run', '--detach', '--bundle', bundle, id]))).ms;
    } finally {
      await this.#delete(id, bundle);
    }
  }

  async exec(): Promise<number> {
    return (await timed(() => this.#call(['exec', 'exec', 'true']))).ms;
  }

  /** CPU milliseconds of one exec; this process reaps the runtime, so its children's time is the runtime's. */
  async execCpu(times: number): Promise<number> {
    const before = await cpuMs([process.pid]);
    const own = process.cpuUsage();
    for (let i = 0; i < times; i++) await this.exec();
    const spent = process.cpuUsage(own);
    return ((await cpuMs([process.pid])) - before - (spent.user + spent.system) / 1000) / times;
  }

  async stop(): Promise<void> {
    await this.#delete('exec', join(this.#dir, 'exec'));
  }

  async #startForExec(): Promise<void> {
    const bundle = await this.#write('exec');
    await this.#call(['run', '--detach', '--bundle', bundle, 'exec']);
  }

  async #bundle(): Promise<{ id: string; bundle: string }> {
    this.#count += 1;
    const id = `bare-${this.#count}`;
    return { id, bundle: await this.#write(id) };
  }

  async #write(id: string): Promise<string> {
    const bundle = join(this.#dir, id);
    await mkdir(bundle, { recursive: true });
    const linux = { ...this.#spec.linux, cgroupsPath: `${this.#cgroupParent}/${this.name}-${id}` };
    await writeFile(join(bundle, 'config.json'), JSON.stringify({ ...this.#spec, linux }));
    return bundle;
  }

  async #delete(id: string, bundle: string): Promise<void> {
    await this.#call(['delete', '--force', id]).catch(() => {});
    await rm(bundle, { recursive: true, force: true });
  }

  /** stdio is /dev/null: a container keeps what it was started with, and a pipe would never end. */
  #call(args: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const all = ['--root', join(this.#dir, 'state'), '--log', join(this.#dir, 'log'), ...args];
      const child = spawn(this.name, all, { stdio: 'ignore', timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        if (code === 0) return resolve();
        readFile(join(this.#dir, 'log'), 'utf8').then(
          (log) => reject(new Error(`${this.name} ${args[0]} ended with ${signal ?? code}: ${log.slice(-500)}`)),
          () => reject(new Error(`${this.name} ${args[0]} ended with ${signal ?? code}`)),
        );
      });
    });
  }
}
