/**
 * One client's connection. It says hello with its protocol version first; then come requests `{id, method, params}`,
 * several at a time, each answered by `{id, result}` or `{id, error: {code, message}}`; `{cancel: id}` ends an exec, a
 * session or an attachment.
 * The keeper sends `{id, stdout|stderr: base64}` while an exec writes, `{id, started: process}` when a session begins and
 * `{exit: container}` when a container has exited.
 */

import type net from 'node:net';
import { CribError, codeOf, messageOf } from '../errors.js';
import { Exec, type OutputName } from './exec.js';
import { encodeFrame, FrameReader, isObject } from './frames.js';
import type { KeeperCore } from './keeper-core.js';
import { KEEPER_PROTOCOL_VERSION, type KeptContainer, type KeptProcess } from './protocol.js';
import { argvOf, envOf, execOf, idOf, numberOf, pipesOf, sessionOf, specOf, watchedSpecOf } from './requests.js';
import { Session } from './session.js';

/** A client that does not read what it asked for is cut off here: the keeper's memory is not its buffer. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
const MAX_IN_FLIGHT = 4096;

/** What goes on until it ends by itself, is cancelled, or its client has gone. */
interface Lasting {
  readonly done: Promise<unknown>;
  cancel(): void;
}

export class Connection {
  readonly #socket: net.Socket;
  readonly #core: KeeperCore;
  readonly #onShutdown: () => void;
  readonly #frames = new FrameReader();
  readonly #lasting = new Map<number, Lasting>();
  #greeted = false;
  #inFlight = 0;

  constructor(socket: net.Socket, core: KeeperCore, onShutdown: () => void) {
    this.#socket = socket;
    this.#core = core;
    this.#onShutdown = onShutdown;
    socket.on('data', (data) => this.#receive(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const lasting of this.#lasting.values()) lasting.cancel();
    });
  }

  /** Tells of an exit. */
  exited(container: KeptContainer): void {
    if (this.#greeted) this.#send({ exit: container });
  }

  #receive(data: Buffer): void {
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
      this.#lasting.get(message.cancel)?.cancel();
      return;
    }
    const { id, method, params } = message;
    if (typeof id !== 'number' || typeof method !== 'string' || !isObject(params)) {
      throw new CribError('INVALID_ARGUMENT', 'a request needs id, method and params');
    }
    if (this.#inFlight >= MAX_IN_FLIGHT) throw new CribError('RESOURCE_EXHAUSTED', 'too many requests in flight');
    this.#inFlight++;
    this.#answer(id, method, params).finally(() => this.#inFlight--);
  }

  #greet(message: Record<string, unknown>): void {
    const version = message.hello;
    if (version !== KEEPER_PROTOCOL_VERSION) {
      const ours = `this keeper speaks version ${KEEPER_PROTOCOL_VERSION}`;
      throw new CribError('FAILED_PRECONDITION', `protocol version ${String(version)}: ${ours}`);
    }
    this.#greeted = true;
    this.#send({ hello: KEEPER_PROTOCOL_VERSION, pid: process.pid });
  }

  async #answer(id: number, method: string, params: Record<string, unknown>): Promise<void> {
    try {
      this.#send({ id, result: (await this.#call(id, method, params)) ?? null });
    } catch (error) {
      this.#send({ id, error: { code: codeOf(error), message: messageOf(error) } });
    }
  }

  async #call(id: number, method: string, params: Record<string, unknown>): Promise<unknown> {
    switch (method) {
      case 'create':
        return this.#core.create(specOf(params));
      case 'createWatched':
        return this.#core.create(watchedSpecOf(params));
      case 'run':
        return this.#core.run(argvOf(params, 'argv'), envOf(params), numberOf(params, 'timeoutMs'));
      case 'exec':
        return this.#exec(id, params);
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

  #exec(id: number, params: Record<string, unknown>): Promise<unknown> {
    const exec = new Exec(execOf(params), this.#core.children, (name: OutputName, data) => {
      this.#send({ id, [name]: data.toString('base64') });
    });
    return this.#untilDone(id, exec);
  }

  #session(id: number, params: Record<string, unknown>): Promise<unknown> {
    const started = (process: KeptProcess) => this.#send({ id, started: process });
    return this.#untilDone(id, new Session(sessionOf(params), this.#core.children, started));
  }

  #attach(id: number, params: Record<string, unknown>): Promise<unknown> {
    const attachment = this.#core.attach(idOf(params), pipesOf(params));
    this.#send({ id, started: {} });
    return this.#untilDone(id, attachment);
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
    setImmediate(this.#onShutdown);
  }

  #send(message: unknown): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(encodeFrame(message));
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.destroy();
  }

  #refuse(error: unknown): void {
    this.#socket.end(encodeFrame({ error: { code: codeOf(error), message: messageOf(error) } }));
    this.#socket.destroySoon();
  }
}
