/**
 * The protocols `channel.k8s.io`: each message begins with the number of its channel. In version 5 a message of 255 and
 * a number is the end of that channel; before, only the end of the connection ends one. The base64 variants carry text:
 * the number as a digit, the rest in base64.
 *
 * WebSockets have no flow control by channel: a channel that is full stops the reading of all. Unsolicited PONGs then
 * tell the client's heartbeat that we live, and show us whether the client does.
 */

import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';

export interface ChannelProtocol {
  readonly base64: boolean;
  /** 255 ends a channel. */
  readonly closeSignal: boolean;
}

/** Bytes that wait in a channel for its reader. */
const RECEIVE_BYTES = 64 * 1024;
/** Bytes of one message that we send. */
const MAX_MESSAGE_BYTES = 32 * 1024;
const CLOSE_SIGNAL = 255;
const DIGIT_0 = 0x30;
/** As often as client-go sends its PINGs. Milliseconds. */
const PONG_INTERVAL_MS = 5_000;
/** Bytes of PONGs that may wait for a client that sends PINGs and reads nothing. */
const MAX_BACKLOG = 1024 * 1024;
const NORMAL = 1000;
const PROTOCOL_ERROR = 1002;
const INVALID_DATA = 1007;

export class ChannelSocket {
  private readonly readers = new Map<number, ChannelReader>();
  private readonly full = new Set<number>();
  private readonly end = new AbortController();
  private readonly idle: NodeJS.Timeout;
  private pongs: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly protocol: ChannelProtocol,
    idleTimeoutMs: number,
    private readonly pongIntervalMs = PONG_INTERVAL_MS,
  ) {
    this.idle = setTimeout(() => socket.terminate(), idleTimeoutMs).unref();
    socket.on('message', (data) => this.receive(bytesOf(data)));
    socket.on('ping', () => this.onPing());
    // `close` follows, and says all that matters.
    socket.on('error', () => {});
    socket.once('close', () => this.closed());
    if (socket.readyState !== socket.OPEN) this.closed();
  }

  /** Fires when the connection is over. */
  get signal(): AbortSignal {
    return this.end.signal;
  }

  /** What the client sends on a channel; its data on a channel without a reader is thrown away. */
  reader(channel: number): Readable {
    const reader = new ChannelReader((full) => this.setFull(channel, full));
    this.readers.set(channel, reader);
    if (this.end.signal.aborted) reader.finish();
    return reader;
  }

  writer(channel: number): Writable {
    return new Writable({
      highWaterMark: 16 * 1024,
      write: (chunk: Buffer, _encoding, callback) => void this.send(channel, chunk).then(() => callback()),
    });
  }

  /** Resolves when the message has gone to the kernel, or the connection is over: then it is lost. */
  async send(channel: number, data: Buffer): Promise<void> {
    let rest = data;
    do {
      this.idle.refresh();
      await this.sendMessage(this.encode(channel, rest.subarray(0, MAX_MESSAGE_BYTES)));
      rest = rest.subarray(MAX_MESSAGE_BYTES);
    } while (rest.length > 0 && !this.end.signal.aborted);
  }

  /** Closes with `code` once what was sent is out; resolves when the connection is over. */
  async close(code = NORMAL): Promise<void> {
    if (this.end.signal.aborted) return;
    const closed = new Promise<void>((resolve) => {
      this.end.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.socket.close(code);
    // The client's answer comes after what has not been read, which nobody wants any more.
    this.closing = true;
    this.flow();
    await closed;
  }

  private encode(channel: number, data: Buffer): Buffer | string {
    if (this.protocol.base64) return String.fromCharCode(DIGIT_0 + channel) + data.toString('base64');
    return Buffer.concat([Buffer.from([channel]), data]);
  }

  private sendMessage(message: Buffer | string): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.readyState === this.socket.OPEN) this.socket.send(message, () => resolve());
      else resolve();
    });
  }

  private receive(message: Buffer): void {
    this.idle.refresh();
    const first = message[0];
    if (first === undefined || this.closing) return;
    if (this.protocol.closeSignal && first === CLOSE_SIGNAL) {
      const channel = message[1];
      if (message.length !== 2 || channel === undefined) void this.close(PROTOCOL_ERROR);
      else this.readers.get(channel)?.finish();
      return;
    }
    const channel = this.protocol.base64 ? first - DIGIT_0 : first;
    const data = this.protocol.base64 ? decodeBase64(message.subarray(1)) : message.subarray(1);
    if (data === undefined) void this.close(INVALID_DATA);
    else this.readers.get(channel)?.receive(data);
  }

  private onPing(): void {
    this.idle.refresh();
    if (this.socket.bufferedAmount > MAX_BACKLOG) this.socket.terminate();
  }

  private setFull(channel: number, full: boolean): void {
    if (full) this.full.add(channel);
    else this.full.delete(channel);
    this.flow();
  }

  private flow(): void {
    const stop = this.full.size > 0 && !this.closing && !this.end.signal.aborted;
    if (stop === this.socket.isPaused) return;
    clearInterval(this.pongs);
    if (stop) {
      this.socket.pause();
      this.pongs = setInterval(() => {
        if (this.socket.bufferedAmount < MAX_BACKLOG) this.socket.pong();
      }, this.pongIntervalMs);
    } else this.socket.resume();
  }

  private closed(): void {
    clearTimeout(this.idle);
    clearInterval(this.pongs);
    this.end.abort();
    for (const reader of this.readers.values()) reader.finish();
  }
}

/** One channel's incoming half. Never emits `error`. */
class ChannelReader extends Readable {
  private isFull = false;

  constructor(private readonly onFull: (full: boolean) => void) {
    super({ highWaterMark: RECEIVE_BYTES });
  }

  private ended = false;

  receive(data: Buffer): void {
    if (data.length === 0 || this.ended || this.destroyed) return;
    if (this.push(data)) return;
    this.isFull = true;
    this.onFull(true);
  }

  finish(): void {
    if (this.ended || this.destroyed) return;
    this.ended = true;
    this.push(null);
  }

  override _read(): void {
    this.notFull();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.notFull();
    callback(error);
  }

  private notFull(): void {
    if (!this.isFull) return;
    this.isFull = false;
    this.onFull(false);
  }
}

function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** undefined for what is no base64; Node's decoder would pass over it. */
function decodeBase64(text: Buffer): Buffer | undefined {
  const characters = text.toString('latin1');
  return /^[A-Za-z0-9+/]*={0,2}$/.test(characters) && text.length % 4 === 0
    ? Buffer.from(characters, 'base64')
    : undefined;
}
