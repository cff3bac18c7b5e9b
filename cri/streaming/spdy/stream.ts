/**
 * One stream of a session: a Duplex whose two directions end on their own.
 *
 *   open --end()--> our side ended --peer's FIN, read--> closed      RST from the peer: what came is still read, then
 *   open --peer's FIN, read--> peer's side ended --end()--> closed   EOF; what is written goes nowhere; `reset` is
 *   any  --destroy()--> closed, with a RST unless end() had been called        emitted. A stream never emits `error`.
 */

import { Duplex } from 'node:stream';
import { DEFAULT_WINDOW, type Headers, RST_STATUS, type RstStatus } from './frames.js';

/**
 * Bytes that wait in a stream for its reader. Of a peer that sends more, the session is not read until there is room: one
 * that keeps to our window never does.
 */
export const RECEIVE_BYTES = DEFAULT_WINDOW;
/** Pieces are put together up to so many bytes: each that waits costs memory of its own. */
const SMALL_PIECE = 1024;

/** What a stream asks of its session. */
export interface StreamLink {
  /** Sends, and calls back when the transport takes more. */
  send(streamId: number, data: Buffer, fin: boolean, done: () => void): void;
  /** The reader took `bytes`: the peer may send as many again. */
  consumed(streamId: number, bytes: number): void;
  /** The stream is closed; with a status where the peer does not know it yet. */
  closed(streamId: number, status: RstStatus | undefined): void;
}

export class SpdyStream extends Duplex {
  private readonly queue: Buffer[] = [];
  private queuedBytes = 0;
  private wanted = false;
  private peerEnded = false;
  private wasReset = false;
  private finSent = false;
  private refused = false;
  private roomWaiter: (() => void) | undefined;

  constructor(
    readonly id: number,
    readonly headers: Headers,
    private readonly link: StreamLink,
  ) {
    super({ highWaterMark: 16 * 1024 });
  }

  /** Takes data from the session. A promise: there is no more room; it resolves when there is. */
  receive(data: Buffer, fin: boolean): Promise<void> | undefined {
    if (this.destroyed || this.peerEnded) {
      this.link.consumed(this.id, data.length);
      return undefined;
    }
    this.enqueue(data);
    this.peerEnded = fin;
    this.deliver();
    return this.isFull() ? this.room() : undefined;
  }

  /** The peer reset the stream, or the session is gone. */
  peerReset(): void {
    if (this.wasReset || this.destroyed) return;
    this.wasReset = true;
    this.peerEnded = true;
    this.deliver();
    this.releaseRoom();
    this.emit('reset');
  }

  /** Answers a SYN_STREAM with a refusal. */
  refuse(): void {
    this.refused = true;
    this.destroy();
  }

  override _read(): void {
    this.wanted = true;
    this.deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.wasReset) callback();
    else this.link.send(this.id, chunk, false, callback);
  }

  override _final(callback: () => void): void {
    this.finSent = true;
    if (this.wasReset) callback();
    else this.link.send(this.id, Buffer.alloc(0), true, callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const left = this.queuedBytes;
    this.queue.length = 0;
    this.queuedBytes = 0;
    if (left > 0) this.link.consumed(this.id, left);
    this.releaseRoom();
    this.link.closed(this.id, this.statusToSend());
    callback(error);
  }

  private statusToSend(): RstStatus | undefined {
    if (this.refused) return RST_STATUS.REFUSED_STREAM;
    return this.wasReset || this.finSent ? undefined : RST_STATUS.CANCEL;
  }

  private enqueue(data: Buffer): void {
    if (data.length === 0) return;
    this.queuedBytes += data.length;
    const last = this.queue.at(-1);
    if (last !== undefined && last.length + data.length <= SMALL_PIECE) {
      this.queue[this.queue.length - 1] = Buffer.concat([last, data]);
    } else this.queue.push(data);
  }

  private deliver(): void {
    while (this.wanted && !this.destroyed) {
      const data = this.queue.shift();
      if (data === undefined) break;
      this.queuedBytes -= data.length;
      this.wanted = this.push(data);
      this.link.consumed(this.id, data.length);
    }
    if (this.peerEnded && this.queue.length === 0 && this.wanted) {
      this.wanted = false;
      this.push(null);
    }
    if (!this.isFull()) this.releaseRoom();
  }

  private isFull(): boolean {
    return this.queuedBytes > RECEIVE_BYTES;
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.roomWaiter = resolve;
    });
  }

  private releaseRoom(): void {
    this.roomWaiter?.();
    this.roomWaiter = undefined;
  }
}
