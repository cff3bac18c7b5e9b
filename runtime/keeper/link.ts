/** The client's end of one connection to the keeper: hello, calls by id, events. */

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { CribError, ERROR_CODES, type ErrorCode, messageOf } from '../errors.js';
import { O } from '../linux/constants.js';
import { encodeFrame, FrameReader, isObject } from './frames.js';
import { KEEPER_PROTOCOL_VERSION, type KeptContainer } from './protocol.js';
import { asContainer } from './record.js';

const HELLO_TIMEOUT_MS = 5000;

interface Pending {
  /** What was asked for, and of what, for errors. */
  readonly what: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: CribError) => void;
  readonly onOutput: CallOptions['onOutput'] | undefined;
  readonly onStarted: CallOptions['onStarted'] | undefined;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface CallOptions {
  /** Milliseconds after which the call rejects with DEADLINE_EXCEEDED; 0: never. */
  readonly timeoutMs: number;
  readonly onOutput?: (name: 'stdout' | 'stderr', data: Buffer) => void;
  readonly onStarted?: (process: Record<string, unknown>) => void;
  /** Sends a cancel and rejects with CANCELLED, */
  readonly signal?: AbortSignal;
  /** but waits for the keeper to be done with it for so many milliseconds. Default: not at all. */
  readonly lingerMs?: number;
}

export interface LinkEvents {
  onExit(container: KeptContainer): void;
  /** Something lies on the socket of held descriptors. */
  onHeld(): void;
  onClose(): void;
}

interface Hello {
  readonly pid: number;
  readonly build: string;
  readonly isService: boolean;
}

export class Link {
  /** The keeper's process id. */
  readonly pid: number;
  /** A digest of the file that it runs. */
  readonly build: string;
  /** Whether a service manager starts it again when it has died. */
  readonly isService: boolean;
  readonly #socket: net.Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #events: LinkEvents;
  #nextId = 1;

  private constructor(socket: net.Socket, { pid, build, isService }: Hello, events: LinkEvents) {
    this.#socket = socket;
    this.pid = pid;
    this.build = build;
    this.isService = isService;
    this.#events = events;
  }

  /**
   * Connects to `<state>/keeper.sock` and agrees on the version. Throws UNAVAILABLE when nobody answers there,
   * FAILED_PRECONDITION when the keeper speaks another version.
   */
  static async open(state: string, events: LinkEvents): Promise<Link> {
    const socket = await connectTo(state);
    const frames = new FrameReader();
    const { hello, early } = await greet(socket, frames);
    const link = new Link(socket, hello, events);
    socket.on('data', (data: Buffer) => link.#receive(() => frames.push(data)));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      link.#failAll();
      events.onClose();
    });
    link.#receive(() => early);
    if (socket.destroyed) events.onClose();
    return link;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** One request. Rejects with the keeper's own CribError, or UNAVAILABLE when the connection ends first. */
  call(method: string, params: object, options: CallOptions): Promise<unknown> {
    const id = this.#nextId++;
    const what = 'id' in params ? `${method} ${params.id}` : method;
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(gone(what));
      if (options.signal?.aborted === true) return reject(new CribError('CANCELLED', `${what} was cancelled`));
      const frame = encodeFrame({ id, method, params });
      const timer =
        options.timeoutMs > 0
          ? setTimeout(() => this.#expire(id, what, options.timeoutMs), options.timeoutMs)
          : undefined;
      const abort = () => this.#abort(id, what, options.lingerMs ?? 0);
      const done = () => options.signal?.removeEventListener('abort', abort);
      options.signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(id, {
        what,
        resolve: (result) => {
          done();
          resolve(result);
        },
        reject: (error) => {
          done();
          reject(error);
        },
        onOutput: options.onOutput,
        onStarted: options.onStarted,
        timer,
      });
      this.#socket.write(frame);
    });
  }

  /** Lets the process end while nothing is asked for. */
  close(): void {
    this.#socket.destroy();
  }

  #receive(read: () => Record<string, unknown>[]): void {
    try {
      for (const message of read()) this.#handle(message);
    } catch {
      this.#socket.destroy();
    }
  }

  #handle(message: Record<string, unknown>): void {
    const exited = asContainer(message.exit);
    if (exited !== undefined) {
      this.#events.onExit(exited);
      return;
    }
    if (message.held === true) {
      this.#events.onHeld();
      return;
    }
    const id = message.id;
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined;
    if (typeof id !== 'number' || pending === undefined) return;
    if (isObject(message.started)) {
      pending.onStarted?.(message.started);
      return;
    }
    for (const name of ['stdout', 'stderr'] as const) {
      const data = message[name];
      if (typeof data !== 'string') continue;
      pending.onOutput?.(name, Buffer.from(data, 'base64'));
      return;
    }
    this.#take(id);
    if (message.error === undefined) pending.resolve(message.result);
    else pending.reject(errorOf(message.error));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #expire(id: number, what: string, milliseconds: number): void {
    this.#socket.write(encodeFrame({ cancel: id }));
    this.#take(id)?.reject(
      new CribError('DEADLINE_EXCEEDED', `the keeper did not answer ${what} within ${milliseconds} ms`),
    );
  }

  #abort(id: number, what: string, lingerMs: number): void {
    this.#socket.write(encodeFrame({ cancel: id }));
    const pending = this.#take(id);
    if (pending === undefined) return;
    const reject = () => pending.reject(new CribError('CANCELLED', `${what} was cancelled`));
    if (lingerMs === 0) {
      reject();
      return;
    }
    const timer = setTimeout(() => {
      this.#take(id);
      reject();
    }, lingerMs);
    this.#pending.set(id, { what, resolve: reject, reject, onOutput: undefined, onStarted: undefined, timer });
  }

  #failAll(): void {
    for (const [id, { what }] of [...this.#pending]) this.#take(id)?.reject(gone(what));
  }
}

function gone(what: string): CribError {
  return new CribError('UNAVAILABLE', `${what}: the connection to the keeper ended; the outcome is not known`);
}

/** An error as the keeper sends it. */
export function errorOf(value: unknown): CribError {
  if (!isObject(value)) return new CribError('INTERNAL', 'the keeper sent an error that is none');
  const code = ERROR_CODES.find((known): known is ErrorCode => known === value.code) ?? 'INTERNAL';
  return new CribError(code, String(value.message));
}

/** Connects by a path that fits sun_path, however long `state` is. Throws UNAVAILABLE. */
export async function connectTo(state: string): Promise<net.Socket> {
  let directory: number | undefined;
  try {
    directory = fs.openSync(state, O.PATH | O.DIRECTORY | O.CLOEXEC);
    const target = `/proc/self/fd/${directory}/keeper.sock`;
    return await new Promise<net.Socket>((resolve, reject) => {
      const socket = net.connect(target);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        socket.on('error', () => socket.destroy()); // a keeper killed before its hello resets the connection: `close` tells
        resolve(socket);
      });
    });
  } catch (error) {
    const message = `connecting to the keeper at ${path.join(state, 'keeper.sock')}: ${messageOf(error)}`;
    throw new CribError('UNAVAILABLE', message, { cause: error });
  } finally {
    if (directory !== undefined) fs.closeSync(directory);
  }
}

function greet(socket: net.Socket, frames: FrameReader): Promise<{ hello: Hello; early: Record<string, unknown>[] }> {
  return new Promise((resolve, reject) => {
    const fail = (error: CribError) => {
      finish();
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const onData = (data: Buffer) => {
      try {
        const [hello, ...early] = frames.push(data);
        if (hello === undefined) return;
        if (hello.hello !== KEEPER_PROTOCOL_VERSION) return fail(errorOf(hello.error));
        finish();
        const { pid, build, isService } = hello;
        resolve({ hello: { pid: Number(pid), build: String(build), isService: isService === true }, early });
      } catch (error) {
        fail(new CribError('UNAVAILABLE', `what answers for the keeper is none: ${messageOf(error)}`));
      }
    };
    const onClose = () => fail(new CribError('UNAVAILABLE', 'the keeper closed the connection before it said hello'));
    const timer = setTimeout(
      () => fail(new CribError('UNAVAILABLE', 'the keeper does not say hello')),
      HELLO_TIMEOUT_MS,
    );
    const finish = () => {
      clearTimeout(timer);
      socket.removeListener('data', onData);
      socket.removeListener('close', onClose);
    };
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.write(encodeFrame({ hello: KEEPER_PROTOCOL_VERSION }));
  });
}
