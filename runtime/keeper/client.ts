/** cribd's side of the keeper: its calls, and the exits that it tells. How it is found and kept alive: supervisor.ts. */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../errors.js';
import { isObject } from './frames.js';
import type { CallOptions } from './link.js';
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
import { Supervisor, type SupervisorOptions } from './supervisor.js';

const CALL_TIMEOUT_MS = 30_000;
/** What the keeper may take beyond the limit that it was given. */
const MARGIN_MS = 15_000;
/** A cancelled exec or session has ended when its processes are killed; one that hangs in the kernel is not waited for. */
const KILL_TIMEOUT_MS = 10_000;
const MAX_RECONNECT_DELAY_MS = 2000;

export class KeeperClient implements Keeper {
  readonly #options: SupervisorOptions;
  readonly #supervisor: Supervisor;
  readonly #listeners: ((container: KeptContainer) => void)[] = [];
  #wanted = false;
  #retired = false;
  /** Exits that were told on this connection. */
  #told = new Set<string>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#supervisor = new Supervisor(options, {
      onConnecting: () => {
        this.#told = new Set();
      },
      onExit: (container) => this.#exited(container),
      onLost: () => this.#lost(),
    });
  }

  get pid(): number {
    const link = this.#supervisor.current;
    if (link === undefined) throw new CribError('UNAVAILABLE', 'the keeper is not connected');
    return link.pid;
  }

  get connected(): boolean {
    return this.#supervisor.current !== undefined;
  }

  async connect(): Promise<void> {
    this.#wanted = true;
    await this.#supervisor.link();
  }

  /** From now on no other keeper is started; the calls in progress end with this one. */
  retire(): void {
    this.#retired = true;
    this.#supervisor.retire();
  }

  disconnect(): void {
    this.#wanted = false;
    this.#supervisor.close();
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
      // Until then the files stay that tell the keeper which process is meant.
      ...(signal === undefined ? {} : { signal, lingerMs: KILL_TIMEOUT_MS }),
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
    return (await this.#supervisor.link()).call(method, params, options);
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
    if (!this.#wanted) return;
    this.#options.log.warn({ state: this.#options.state }, 'the connection to the keeper ended; connecting again');
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    for (let delay = 100; this.#wanted && !this.#retired; delay = Math.min(delay * 2, MAX_RECONNECT_DELAY_MS)) {
      try {
        for (const container of await this.list()) if (container.exit !== undefined) this.#exited(container);
        return;
      } catch (error) {
        if (this.#retired) return;
        this.#options.log.error({ error: messageOf(error) }, 'the keeper cannot be reached');
      }
      await sleep(delay);
    }
  }
}
