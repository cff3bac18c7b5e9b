/** cribd's side of the keeper: connects, starts a keeper where none runs, and connects again when it was restarted. */

import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { isObject } from './frames.js';
import { launchKeeper } from './launch.js';
import { type CallOptions, Link } from './link.js';
import type { PassedPipes } from './passed-pipe.js';
import type {
  Keeper,
  KeptContainer,
  KeptContainerSpec,
  KeptExecResult,
  KeptExecSpec,
  KeptProcess,
  KeptSessionSpec,
} from './protocol.js';
import { asContainer } from './record.js';

/** A keeper that takes over hundreds of containers listens only when it has them all. */
const START_TIMEOUT_MS = 20_000;
const CALL_TIMEOUT_MS = 30_000;
/** What the keeper may take beyond the limit that it was given. */
const MARGIN_MS = 15_000;
/** A cancelled session has ended when its processes are killed; one that hangs in the kernel is not waited for. */
const KILL_TIMEOUT_MS = 10_000;
const MAX_RECONNECT_DELAY_MS = 2000;

export interface KeeperClientOptions {
  /** Directory of the keeper's socket, lock and records; absolute. */
  readonly state: string;
  /** The keeper's main file, compiled to JavaScript or bundled. */
  readonly keeperPath: string;
  readonly log: Log;
}

export class KeeperClient implements Keeper {
  readonly #options: KeeperClientOptions;
  readonly #listeners: ((container: KeptContainer) => void)[] = [];
  #link: Link | undefined;
  #connecting: Promise<Link> | undefined;
  #wanted = false;
  /** Exits that were told on this connection. */
  #told = new Set<string>();

  constructor(options: KeeperClientOptions) {
    this.#options = options;
  }

  get pid(): number {
    if (this.#link === undefined) throw new CribError('UNAVAILABLE', 'the keeper is not connected');
    return this.#link.pid;
  }

  get connected(): boolean {
    return this.#link?.isOpen === true;
  }

  async connect(): Promise<void> {
    this.#wanted = true;
    await this.#connected();
  }

  disconnect(): void {
    this.#wanted = false;
    this.#link?.close();
    this.#link = undefined;
  }

  async create(spec: KeptContainerSpec): Promise<KeptContainer> {
    // A name of its own: a keeper that knows no watches must not take the sandbox for the container.
    const method = spec.watch === undefined ? 'create' : 'createWatched';
    const result = await this.#call(method, spec, { timeoutMs: spec.createTimeoutMs + MARGIN_MS });
    const container = asContainer(result);
    if (container === undefined) throw new CribError('INTERNAL', 'the keeper answered create with no container');
    this.#told.delete(spec.id);
    return container;
  }

  async run(argv: readonly string[], env: Readonly<Record<string, string>>, timeoutMs: number): Promise<void> {
    await this.#call('run', { argv, env, timeoutMs }, { timeoutMs: timeoutMs + MARGIN_MS });
  }

  async exec(spec: KeptExecSpec, signal?: AbortSignal): Promise<KeptExecResult> {
    const output: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    const result = await this.#call('exec', spec, {
      timeoutMs: spec.timeoutMs > 0 ? spec.timeoutMs + MARGIN_MS : 0,
      onOutput: (name, data) => output[name].push(data),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!isObject(result)) throw new CribError('INTERNAL', 'the keeper answered exec with no result');
    return {
      exitCode: Number(result.exitCode),
      stdout: Buffer.concat(output.stdout),
      stderr: Buffer.concat(output.stderr),
      timedOut: result.timedOut === true,
    };
  }

  async signal(id: string, signal: number): Promise<void> {
    await this.#call('signal', { id, signal });
  }

  async killAll(id: string): Promise<void> {
    await this.#call('killAll', { id });
  }

  async reopenLog(id: string): Promise<void> {
    await this.#call('reopenLog', { id });
  }

  async session(
    spec: KeptSessionSpec,
    onStarted: (process: KeptProcess) => void,
    signal: AbortSignal,
  ): Promise<number> {
    const result = await this.#call('session', spec, {
      timeoutMs: 0,
      onStarted: ({ pid, startTime }) => onStarted({ pid: Number(pid), startTime: String(startTime) }),
      signal,
      lingerMs: KILL_TIMEOUT_MS,
    });
    if (!isObject(result)) throw new CribError('INTERNAL', 'the keeper answered session with no result');
    return Number(result.exitCode);
  }

  async attach(id: string, pipes: PassedPipes, onStarted: () => void, signal: AbortSignal): Promise<void> {
    await this.#call('attach', { id, pipes }, { timeoutMs: 0, onStarted, signal });
  }

  async resize(id: string, columns: number, rows: number): Promise<void> {
    await this.#call('resize', { id, columns, rows });
  }

  async forget(id: string): Promise<void> {
    await this.#call('forget', { id }, { timeoutMs: 2 * CALL_TIMEOUT_MS });
    this.#told.delete(id);
  }

  async list(): Promise<KeptContainer[]> {
    const result = await this.#call('list', {});
    if (!Array.isArray(result)) throw new CribError('INTERNAL', 'the keeper answered list with no list');
    return result.map(asContainer).filter((container) => container !== undefined);
  }

  async settled(timeoutMs: number): Promise<void> {
    await this.#call('settled', {}, { timeoutMs });
  }

  onExit(listener: (container: KeptContainer) => void): void {
    this.#listeners.push(listener);
  }

  /** Ends the keeper process. Throws FAILED_PRECONDITION while it keeps a container. */
  async shutdown(): Promise<void> {
    await this.#call('shutdown', {});
    this.disconnect();
  }

  async #call(method: string, params: object, options: CallOptions = { timeoutMs: CALL_TIMEOUT_MS }): Promise<unknown> {
    if (!this.#wanted) throw new CribError('UNAVAILABLE', `${method}: the keeper is not connected`);
    return (await this.#connected()).call(method, params, options);
  }

  #connected(): Promise<Link> {
    if (this.#link?.isOpen === true) return Promise.resolve(this.#link);
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<Link> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    let launched: ChildProcess | undefined;
    for (let attempt = 0, delay = 10; ; attempt++, delay = Math.min(delay * 1.5, 200)) {
      try {
        return await this.#openOnce();
      } catch (error) {
        if (!(error instanceof CribError) || error.code !== 'UNAVAILABLE') throw error;
        if (performance.now() > deadline) {
          const message = `${error.message}; started ${this.#options.keeperPath}, see ${this.#options.state}/keeper.log`;
          throw new CribError('UNAVAILABLE', message, { cause: error });
        }
      }
      // Again when it was killed; and from time to time: one that held the lock may have been about to end.
      if (attempt % 25 === 0 || launched?.signalCode) {
        launched = launchKeeper(this.#options.state, this.#options.keeperPath);
      }
      await sleep(delay);
    }
  }

  async #openOnce(): Promise<Link> {
    this.#told = new Set();
    const link: Link = await Link.open(
      this.#options.state,
      (container) => this.#exited(container),
      () => this.#lost(),
    );
    this.#link = link;
    return link;
  }

  #exited(container: KeptContainer): void {
    if (this.#told.has(container.id)) return;
    this.#told.add(container.id);
    for (const listener of this.#listeners) {
      try {
        listener(container);
      } catch (error) {
        this.#options.log.error({ id: container.id, error: messageOf(error) }, 'handling an exit failed');
      }
    }
  }

  /** The keeper has died: another is started, and says what exited meanwhile. */
  #lost(): void {
    this.#link = undefined;
    if (!this.#wanted) return;
    this.#options.log.warn({ state: this.#options.state }, 'the connection to the keeper ended; connecting again');
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    for (let delay = 100; this.#wanted; delay = Math.min(delay * 2, MAX_RECONNECT_DELAY_MS)) {
      try {
        for (const container of await this.list()) if (container.exit !== undefined) this.#exited(container);
        return;
      } catch (error) {
        this.#options.log.error({ error: messageOf(error) }, 'the keeper cannot be reached');
      }
      await sleep(delay);
    }
  }
}
