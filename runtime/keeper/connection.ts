/**
 * One client's connection. It says hello with its protocol version first; then come requests `{id, method, params}`,
 * several at a time, each answered by `{id, result}` or `{id, error: {code, message}}`; `{cancel: id}` ends an exec, a
 * session or an attachment.
 * The keeper sends `{id, stdout|stderr: base64}` while an exec writes, `{id, started: process}` when a session begins,
 * `{exit: container}` when a container has exited and `{held: true}` when there is something on the socket of held
 * descriptors. Instead of the hello there may be `{upgrade: program}`, answered by `{upgraded: true}` or `{error}`.
 */

import type net from 'node:net';
import { CribError, codeOf, messageOf } from '../errors.js';
import { connectUnix } from '../linux/sockets.js';
import { Calls } from './calls.js';
import { encodeFrame, FrameReader, isObject } from './frames.js';
import type { ConnectionMemory } from './handover.js';
import { ClientHolder } from './holders.js';
import type { KeeperCore } from './keeper-core.js';
import { KEEPER_PROTOCOL_VERSION, type KeeperProgram, type KeptContainer } from './protocol.js';
import { programOf } from './requests.js';

/** A client that does not read what it asked for is cut off here: the keeper's memory is not its buffer. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** What can wait, the output of execs, waits behind so much. */
const BEHIND_BYTES = 1024 * 1024;
const MAX_IN_FLIGHT = 4096;

/** What a connection has to do with the process as a whole. */
export interface ConnectionHost {
  readonly core: KeeperCore;
  /** A digest of the file that runs. */
  readonly build: string;
  /** Whether a service manager starts it again when it has died. */
  readonly isService: boolean;
  shutdown(): void;
  /** This process becomes another program. Rejects when it stays as it is. */
  upgrade(program: KeeperProgram): Promise<never>;
}

export class Connection {
  readonly #socket: net.Socket;
  readonly #host: ConnectionHost;
  readonly #frames = new FrameReader();
  readonly #calls: Calls;
  #greeted = false;
  #upgrading = false;
  #holder: ClientHolder | undefined;
  /** While it is frozen: what was read and not handled. */
  #unread: Buffer[] | undefined;

  /** `memory`: of the program that this process was before. */
  constructor(socket: net.Socket, host: ConnectionHost, memory?: ConnectionMemory) {
    this.#socket = socket;
    this.#host = host;
    this.#calls = new Calls({
      core: host.core,
      send: (message) => this.#send(message),
      hold: (path) => this.#hold(path),
      shutdown: () => host.shutdown(),
    });
    socket.on('data', (data) => this.#receive(data));
    socket.on('drain', () => this.#calls.drained());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#calls.cancelAll();
      this.#letGo();
    });
    if (memory !== undefined) this.#resume(memory);
  }

  /** Tells of an exit. */
  exited(container: KeptContainer): void {
    if (this.#greeted) this.#send({ exit: container });
  }

  /** Takes no request until `thaw`; what it was asked before goes on. */
  freeze(): void {
    this.#unread ??= [];
    this.#calls.freeze();
  }

  thaw(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    this.#calls.thaw();
    for (const data of unread) this.#receive(data);
  }

  /** Its memory is all that there is of it. */
  get isStill(): boolean {
    return this.#socket.writableLength === 0 && this.#calls.isStill;
  }

  /** Of one that is still; `socket` is its descriptor. */
  memory(socket: number): ConnectionMemory {
    return {
      socket,
      greeted: this.#greeted,
      upgrading: this.#upgrading,
      unread: Buffer.concat([this.#frames.rest, ...(this.#unread ?? [])]).toString('base64'),
      hold: this.#holder?.descriptor,
      lasting: this.#calls.memory,
    };
  }

  #resume({ greeted, upgrading, unread, hold, lasting }: ConnectionMemory): void {
    this.#greeted = greeted;
    if (hold !== undefined) this.#holds(hold);
    for (const memory of lasting) void this.#answer(memory.id, this.#calls.resume(memory));
    if (upgrading) this.#send({ upgraded: true });
    this.#receive(Buffer.from(unread, 'base64'));
  }

  #receive(data: Buffer): void {
    if (this.#unread !== undefined) {
      this.#unread.push(data);
      return;
    }
    try {
      for (const message of this.#frames.push(data)) this.#handle(message);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #handle(message: Record<string, unknown>): void {
    if (!this.#greeted) {
      this.#greet(message);
      return;
    }
    if (typeof message.cancel === 'number') {
      this.#calls.cancel(message.cancel);
      return;
    }
    const { id, method, params } = message;
    if (typeof id !== 'number' || typeof method !== 'string' || !isObject(params)) {
      throw new CribError('INVALID_ARGUMENT', 'a request needs id, method and params');
    }
    if (this.#calls.inFlight >= MAX_IN_FLIGHT) throw new CribError('RESOURCE_EXHAUSTED', 'too many requests in flight');
    void this.#answer(id, this.#calls.call(id, method, params));
  }

  #greet(message: Record<string, unknown>): void {
    if (isObject(message.upgrade)) {
      this.#upgrade(programOf(message.upgrade));
      return;
    }
    const version = message.hello;
    if (version !== KEEPER_PROTOCOL_VERSION) {
      const ours = `this keeper speaks version ${KEEPER_PROTOCOL_VERSION}`;
      throw new CribError('FAILED_PRECONDITION', `protocol version ${String(version)}: ${ours}`);
    }
    this.#greeted = true;
    const { build, isService } = this.#host;
    this.#send({ hello: KEEPER_PROTOCOL_VERSION, pid: process.pid, build, isService });
  }

  #upgrade(program: KeeperProgram): void {
    this.#upgrading = true;
    this.#host.upgrade(program).catch((error: unknown) => {
      this.#upgrading = false;
      this.#refuse(error);
    });
  }

  async #answer(id: number, call: Promise<unknown>): Promise<void> {
    try {
      this.#send({ id, result: (await call) ?? null });
    } catch (error) {
      this.#send({ id, error: { code: codeOf(error), message: messageOf(error) } });
    }
  }

  /**
   * From now on the client holds duplicates of what the keeper has open, sent to the socket at `path`. `more`: the rest
   * waits until it has taken what was sent, and asks again, without a path.
   */
  #hold(path: string | undefined): { more: boolean } {
    if (path !== undefined) {
      this.#letGo();
      this.#holds(connectUnix(path, 'packets')).giveAll(this.#host.core.descriptors);
    }
    return { more: this.#holder?.flush() === false };
  }

  #holds(socket: number): ClientHolder {
    const holder = new ClientHolder(socket, () => this.#send({ held: true }));
    this.#holder = holder;
    this.#host.core.holders.add(holder);
    return holder;
  }

  #letGo(): void {
    if (this.#holder === undefined) return;
    this.#host.core.holders.remove(this.#holder);
    this.#holder.close();
    this.#holder = undefined;
  }

  /** As CallServices says. */
  #send(message: unknown): boolean {
    if (this.#socket.destroyed) return true;
    this.#socket.write(encodeFrame(message));
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.destroy();
    return this.#socket.destroyed || this.#socket.writableLength < BEHIND_BYTES;
  }

  #refuse(error: unknown): void {
    this.#socket.end(encodeFrame({ error: { code: codeOf(error), message: messageOf(error) } }));
    this.#socket.destroySoon();
  }
}
