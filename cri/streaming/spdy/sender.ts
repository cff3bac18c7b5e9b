/**
 * The sending half of a session: data of the streams in turn, as much as the transport takes.
 *
 * Windows: moby/spdystream, which every client of Kubernetes uses, neither sends WINDOW_UPDATE nor keeps to it, and
 * leaves back-pressure to TCP. So the peer's windows are kept to only once it has shown that it counts them.
 */

import type { Duplex } from 'node:stream';
import { dataHeader } from './frame-writer.js';
import { DEFAULT_WINDOW, MAX_INT31, SpdyError } from './frames.js';

/** Bytes of one data frame: streams take turns by frames. */
const MAX_FRAME_BYTES = 32 * 1024;

interface Item {
  readonly streamId: number;
  data: Buffer;
  readonly fin: boolean;
  readonly done: () => void;
}

export class Sender {
  private ready: Item[] = [];
  /** Items whose stream has no window left. */
  private readonly blocked = new Map<number, Item>();
  /** Bytes that each stream may send; a stream that is not here may send `initialWindow`. */
  private readonly windows = new Map<number, number>();
  private sessionWindow = DEFAULT_WINDOW;
  private initialWindow = DEFAULT_WINDOW;
  private counting = false;
  private deaf = false;
  private drainWaiters: (() => void)[] = [];

  constructor(private readonly transport: Duplex) {
    transport.on('drain', () => this.drained());
  }

  /** Control frames go before data that waits. */
  control(frame: Buffer): void {
    if (this.transport.writable) this.transport.write(frame);
  }

  /** Bytes that the transport has not passed on. */
  get backlog(): number {
    return this.transport.writableLength;
  }

  /** Resolves when the transport has passed on what it held, or has closed. */
  whenDrained(): Promise<void> {
    if (!this.transport.writableNeedDrain || this.transport.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.drainWaiters.push(resolve));
  }

  /** A stream has one item at a time here: a Writable waits for `done` before its next write. */
  send(streamId: number, data: Buffer, fin: boolean, done: () => void): void {
    this.ready.push({ streamId, data, fin, done });
    this.pump();
  }

  /** Nothing more of this stream is sent; its writer goes on into nothing. */
  drop(streamId: number): void {
    this.windows.delete(streamId);
    const items = this.ready.filter((item) => item.streamId === streamId);
    this.ready = this.ready.filter((item) => item.streamId !== streamId);
    const blocked = this.blocked.get(streamId);
    this.blocked.delete(streamId);
    if (blocked !== undefined) items.push(blocked);
    for (const item of items) item.done();
  }

  /** The transport has closed. */
  close(): void {
    const items = [...this.ready, ...this.blocked.values()];
    this.ready = [];
    this.blocked.clear();
    for (const item of items) item.done();
    this.drained();
  }

  /**
   * Whether the session is not read for now, so that no update of a window is heard: to wait for one could be for ever, and
   * the peer that made us stop does not keep to ours either.
   */
  setDeaf(deaf: boolean): void {
    this.deaf = deaf;
    if (deaf) this.unblock([...this.blocked.keys()]);
  }

  /** SETTINGS: the new initial window changes that of the open streams by the difference. */
  setInitialWindow(bytes: number): void {
    this.counting = true;
    const change = bytes - this.initialWindow;
    this.initialWindow = bytes;
    for (const [streamId, window] of this.windows) this.windows.set(streamId, window + change);
    this.unblock([...this.blocked.keys()]);
  }

  /** WINDOW_UPDATE; stream 0 is the session. Throws SpdyError where the window would pass 2^31 - 1. */
  addWindow(streamId: number, delta: number): void {
    this.counting = true;
    const window = (streamId === 0 ? this.sessionWindow : this.windowOf(streamId)) + delta;
    if (delta === 0 || window > MAX_INT31)
      throw new SpdyError(`a window of ${window} bytes after an update of ${delta}`);
    if (streamId === 0) this.sessionWindow = window;
    else this.windows.set(streamId, window);
    this.unblock([streamId]);
  }

  private windowOf(streamId: number): number {
    return this.windows.get(streamId) ?? this.initialWindow;
  }

  private unblock(streamIds: readonly number[]): void {
    for (const streamId of streamIds) {
      const item = this.blocked.get(streamId);
      this.blocked.delete(streamId);
      if (item !== undefined) this.ready.push(item);
    }
    this.pump();
  }

  private pump(): void {
    while (!this.transport.writableNeedDrain) {
      const item = this.ready[0];
      if (item === undefined) return;
      if (!this.transport.writable) {
        this.close();
        return;
      }
      const allowed = item.data.length === 0 ? 0 : this.allowance(item.streamId);
      if (allowed === 0 && item.data.length > 0) {
        if (this.counting && this.sessionWindow <= 0) return;
        this.ready.shift();
        this.blocked.set(item.streamId, item);
        continue;
      }
      this.ready.shift();
      this.writeFrame(item, item.data.subarray(0, allowed));
    }
  }

  private allowance(streamId: number): number {
    if (!this.counting || this.deaf) return MAX_FRAME_BYTES;
    return Math.max(0, Math.min(MAX_FRAME_BYTES, this.sessionWindow, this.windowOf(streamId)));
  }

  private writeFrame(item: Item, piece: Buffer): void {
    item.data = item.data.subarray(piece.length);
    const last = item.data.length === 0;
    this.windows.set(item.streamId, this.windowOf(item.streamId) - piece.length);
    this.sessionWindow -= piece.length;
    this.transport.cork();
    this.transport.write(dataHeader(item.streamId, piece.length, item.fin && last));
    if (piece.length > 0) this.transport.write(piece);
    this.transport.uncork();
    if (last) item.done();
    else this.ready.push(item);
  }

  private drained(): void {
    const waiters = this.drainWaiters;
    this.drainWaiters = [];
    for (const resolve of waiters) resolve();
    this.pump();
  }
}
