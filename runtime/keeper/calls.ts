/** What one client has asked for, method by method, and what of it goes on: execs, sessions and attachments. */

import { CribError } from '../errors.js';
import { Exec, type OutputName } from './exec.js';
import type { AttachmentMemory, LastingMemory } from './handover.js';
import type { KeeperCore } from './keeper-core.js';
import { KEEPER_PROTOCOL_VERSION, type KeptProcess } from './protocol.js';
import {
  argvOf,
  envOf,
  execOf,
  holdOf,
  idOf,
  numberOf,
  pipesOf,
  sessionOf,
  specOf,
  watchedSpecOf,
} from './requests.js';
import { Session } from './session.js';

type Params = Record<string, unknown>;
/** A memory without the request that it belongs to. */
type Going<T = LastingMemory> = T extends unknown ? Omit<T, 'id'> : never;

/** What goes on until it ends by itself, is cancelled, or its client has gone. */
interface Lasting {
  readonly done: Promise<unknown>;
  cancel(): void;
  freeze?(): void;
  thaw?(): void;
  /** The client has read what was sent to it. */
  drained?(): void;
  /** How it goes on in the next program of this process; undefined while it cannot. */
  readonly memory: Going | undefined;
}

export interface CallServices {
  readonly core: KeeperCore;
  /** False: the client is behind; `drained` comes when it is not any more. */
  send(message: unknown): boolean;
  /** See Connection. */
  hold(path: string | undefined): { readonly more: boolean };
  shutdown(): void;
}

export class Calls {
  readonly #services: CallServices;
  readonly #core: KeeperCore;
  readonly #lasting = new Map<number, Lasting>();
  #inFlight = 0;

  constructor(services: CallServices) {
    this.#services = services;
    this.#core = services.core;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resolves to the result. */
  call(id: number, method: string, params: Params): Promise<unknown> {
    return this.#counted(async () => {
      if (this.#lasting.has(id))
        throw new CribError('INVALID_ARGUMENT', `request ${id} goes on: its id is not free yet`);
      return this.#call(id, method, params);
    });
  }

  /** Goes on with one that an earlier program of this process took. */
  resume(memory: LastingMemory): Promise<unknown> {
    const { children } = this.#core;
    const lasting = (): Lasting => {
      switch (memory.kind) {
        case 'session':
          return Session.resume(memory, children);
        case 'exec':
          return Exec.resume(memory, children, this.#sink(memory.id));
        case 'attach':
          return this.#attachment(memory);
      }
    };
    return this.#counted(() => this.#untilDone(memory.id, lasting()));
  }

  cancel(id: number): void {
    this.#lasting.get(id)?.cancel();
  }

  /** The client has gone. */
  cancelAll(): void {
    for (const lasting of this.#lasting.values()) lasting.cancel();
  }

  freeze(): void {
    for (const lasting of this.#lasting.values()) lasting.freeze?.();
  }

  thaw(): void {
    for (const lasting of this.#lasting.values()) lasting.thaw?.();
  }

  drained(): void {
    for (const lasting of this.#lasting.values()) lasting.drained?.();
  }

  /** Everything is answered or can go on in another program. */
  get isStill(): boolean {
    const lasting = [...this.#lasting.values()];
    return this.#inFlight === lasting.length && lasting.every(({ memory }) => memory !== undefined);
  }

  /** Of what goes on, when it is still. */
  get memory(): LastingMemory[] {
    return [...this.#lasting].flatMap(([id, { memory }]) => (memory === undefined ? [] : [{ ...memory, id }]));
  }

  async #counted(call: () => Promise<unknown>): Promise<unknown> {
    this.#inFlight++;
    try {
      return await call();
    } finally {
      this.#inFlight--;
    }
  }

  async #call(id: number, method: string, params: Params): Promise<unknown> {
    switch (method) {
      case 'create':
        return this.#core.create(specOf(params));
      case 'createWatched':
        return this.#core.create(watchedSpecOf(params));
      case 'run':
        return this.#core.run(argvOf(params, 'argv'), envOf(params), numberOf(params, 'timeoutMs'));
      case 'exec':
        return this.#untilDone(id, Exec.start(execOf(params), this.#core.children, this.#sink(id)));
      case 'signal':
        return this.#core.get(idOf(params)).signal(numberOf(params, 'signal'));
      case 'killAll':
        return this.#core.get(idOf(params)).killAll();
      case 'reopenLog':
        return this.#core.get(idOf(params)).reopenLog();
      case 'session':
        return this.#session(id, params);
      case 'attach':
        return this.#attach(id, params);
      case 'resize':
        return this.#core.get(idOf(params)).resize(numberOf(params, 'columns'), numberOf(params, 'rows'));
      case 'forget':
        return this.#core.forget(idOf(params));
      case 'hold':
        return this.#services.hold(holdOf(params));
      case 'list':
        return this.#core.list();
      case 'settled':
        return this.#core.settled();
      case 'ping':
        return { version: KEEPER_PROTOCOL_VERSION, pid: process.pid };
      case 'shutdown':
        return this.#shutdown();
      default:
        throw new CribError('UNIMPLEMENTED', `this keeper does not know ${JSON.stringify(method)}`);
    }
  }

  #sink(id: number): (name: OutputName, data: Buffer) => boolean {
    return (name, data) => this.#services.send({ id, [name]: data.toString('base64') });
  }

  #session(id: number, params: Params): Promise<unknown> {
    const started = (process: KeptProcess) => this.#services.send({ id, started: process });
    return this.#untilDone(id, Session.start(sessionOf(params), this.#core.children, started));
  }

  #attach(id: number, params: Params): Promise<unknown> {
    const container = idOf(params);
    const attachment = this.#attachment({ container, pipes: this.#core.openPipes(pipesOf(params)) });
    this.#services.send({ id, started: {} });
    return this.#untilDone(id, attachment);
  }

  #attachment({ container, pipes }: AttachmentMemory): Lasting {
    const attachment = this.#core.attach(container, pipes);
    return {
      done: attachment.done,
      cancel: () => attachment.cancel(),
      get memory() {
        const open = attachment.pipes;
        return open === undefined ? undefined : { kind: 'attach' as const, container, pipes: open };
      },
    };
  }

  async #untilDone(id: number, lasting: Lasting): Promise<unknown> {
    this.#lasting.set(id, lasting);
    try {
      return await lasting.done;
    } finally {
      this.#lasting.delete(id);
    }
  }

  #shutdown(): void {
    if (!this.#core.isIdle)
      throw new CribError('FAILED_PRECONDITION', 'the keeper keeps containers: forget them first');
    setImmediate(() => this.#services.shutdown());
  }
}
