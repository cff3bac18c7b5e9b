/**
 * A SPDY/3.1 session over any transport: a socket after its upgrade, or a WebSocket that tunnels one. Both roles are
 * here; the server's is what crib serves.
 *
 * Frames are handled one after the other, and reading stops while a stream has no room for its data: that is all the
 * back-pressure that the clients know (see sender.ts). While it stops, PINGs show whether the client still lives,
 * because a socket that is not read does not report its end.
 */

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { FrameReader } from './frame-reader.js';
import { goAway, ping, rstStream, synReply, synStream, windowUpdate } from './frame-writer.js';
import { DEFAULT_WINDOW, type Frame, GOAWAY_STATUS, type Headers, RST_STATUS, SpdyError } from './frames.js';
import { HeaderDecoder, HeaderEncoder } from './header-block.js';
import { Sender } from './sender.js';
import { SpdyStream } from './stream.js';

export interface ConnectionOptions {
  readonly transport: Duplex;
  readonly role: 'server' | 'client';
  /** Without a frame in either direction for this long, the session ends. Milliseconds. */
  readonly idleTimeoutMs: number;
  /** Most streams open at once; more are refused. */
  readonly maxStreams: number;
  /** How often a peer is pinged that is not being read: its death shows at the second. Milliseconds; default: 5 s. */
  readonly pingIntervalMs?: number;
  /** Called for each stream that the peer opens; `false` refuses it. */
  onStream(stream: SpdyStream): boolean;
}

/** Bytes of answers (PING, RST_STREAM) that may wait for a peer that does not read them, before it is not read. */
const MAX_BACKLOG = 1024 * 1024;
/** As often as client-go sends its PINGs. Milliseconds. */
const PING_INTERVAL_MS = 5_000;
/** How long a peer has to close its side after we closed ours, or to take our last words. Milliseconds. */
const LINGER_MS = 10_000;

export class SpdyConnection {
  private readonly streams = new Map<number, SpdyStream>();
  private readonly reader = new FrameReader();
  private readonly encoder = new HeaderEncoder();
  private readonly decoder = new HeaderDecoder();
  private readonly sender: Sender;
  private readonly end = new AbortController();
  private readonly idle: NodeJS.Timeout;
  private readonly unacknowledged = new Map<number, number>();
  /** Streams that wait for their SYN_REPLY. */
  private readonly opening = new Map<number, (opened: boolean) => void>();
  /** The transport has closed. What it had brought is still handled, then the session is over. */
  private readonly closed: Promise<void>;
  private lastPeerStream = 0;
  private nextStream: number;
  private nextPing: number;
  /** One of us said GOAWAY: no new streams. */
  private leaving = false;
  private said = false;

  constructor(private readonly options: ConnectionOptions) {
    const { transport, role, idleTimeoutMs } = options;
    this.nextStream = role === 'client' ? 1 : 2;
    this.nextPing = this.nextStream;
    this.sender = new Sender(transport);
    this.idle = setTimeout(() => this.destroy(), idleTimeoutMs).unref();
    transport.on('error', () => transport.destroy());
    this.closed = new Promise((resolve) => {
      transport.once('close', () => {
        this.sender.close();
        resolve();
      });
    });
    void this.readAll();
  }

  /** Fires when the session is over, whoever ended it. */
  get signal(): AbortSignal {
    return this.end.signal;
  }

  /** Opens a stream; resolves when the peer accepted it. Throws when it refused. */
  async open(headers: Headers, fin = false): Promise<SpdyStream> {
    if (this.leaving || this.end.signal.aborted) throw new SpdyError('the session is over');
    const id = this.nextStream;
    this.nextStream += 2;
    const stream = this.newStream(id, headers);
    const opened = new Promise<boolean>((resolve) => this.opening.set(id, resolve));
    this.sender.control(synStream(id, this.encoder.encode(headers), fin));
    if (!(await opened)) throw new SpdyError(`the peer refused stream ${id}`);
    return stream;
  }

  /** Says that no stream will be accepted any more, lets what was written go out, and closes the transport. */
  async close(): Promise<void> {
    if (this.end.signal.aborted) return;
    this.leave(GOAWAY_STATUS.OK);
    for (const stream of [...this.streams.values()]) stream.destroy();
    const closed = once(this.end.signal, 'abort');
    this.endTransport(() => setTimeout(() => this.destroy(), LINGER_MS).unref());
    await closed;
  }

  private endTransport(flushed: () => void): void {
    if (this.options.transport.writable) this.options.transport.end(flushed);
    else this.destroy();
  }

  /** Ends the session now. */
  destroy(): void {
    this.options.transport.destroy();
  }

  private leave(status: (typeof GOAWAY_STATUS)[keyof typeof GOAWAY_STATUS]): void {
    if (this.said) return;
    this.said = true;
    this.leaving = true;
    this.sender.control(goAway(this.lastPeerStream, status));
  }

  private ended(): void {
    if (this.end.signal.aborted) return;
    clearTimeout(this.idle);
    this.end.abort();
    this.decoder.close();
    this.sender.close();
    for (const resolve of this.opening.values()) resolve(false);
    for (const stream of [...this.streams.values()]) stream.peerReset();
    this.streams.clear();
  }

  private async readAll(): Promise<void> {
    const { transport } = this.options;
    try {
      for await (const chunk of transport.iterator({ destroyOnReturn: false })) {
        this.idle.refresh();
        for (const frame of this.reader.read(chunk)) {
          const handled = this.handle(frame);
          if (handled !== undefined) await handled;
          if (this.sender.backlog > MAX_BACKLOG) await this.sender.whenDrained();
        }
      }
    } catch (error) {
      if (error instanceof SpdyError) this.leave(GOAWAY_STATUS.PROTOCOL_ERROR);
    }
    // The peer's FIN, an error, or a broken protocol: what we have written still goes out, but nobody waits for it.
    this.ended();
    setTimeout(() => this.destroy(), LINGER_MS).unref();
    this.endTransport(() => this.destroy());
  }

  private handle(frame: Frame): Promise<void> | undefined {
    switch (frame.type) {
      case 'data':
        return this.onData(frame.streamId, frame.data, frame.fin);
      case 'syn-stream':
        return this.onSynStream(frame);
      case 'syn-reply':
        return this.onSynReply(frame.streamId, frame.fin, frame.block);
      case 'headers':
        return this.onHeaders(frame.streamId, frame.fin, frame.block);
      case 'rst-stream':
        this.answered(frame.streamId, false);
        this.streams.get(frame.streamId)?.peerReset();
        this.forget(frame.streamId);
        return undefined;
      case 'window-update':
        if (frame.streamId === 0 || this.streams.has(frame.streamId)) {
          this.sender.addWindow(frame.streamId, frame.delta);
        }
        return undefined;
      case 'settings':
        if (frame.initialWindow !== undefined) this.sender.setInitialWindow(frame.initialWindow);
        return undefined;
      case 'ping':
        if (frame.id % 2 !== this.nextPing % 2) this.sender.control(ping(frame.id));
        return undefined;
      case 'goaway':
        this.leaving = true;
        return undefined;
    }
  }

  private onData(streamId: number, data: Buffer, fin: boolean): Promise<void> | undefined {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      // Sent before the peer knew that the stream is closed.
      this.acknowledge(0, data.length);
      return undefined;
    }
    const room = stream.receive(data, fin);
    return room === undefined ? undefined : this.pingingUntil(room);
  }

  private async pingingUntil(room: Promise<void>): Promise<void> {
    const timer = setInterval(() => {
      if (this.sender.backlog > MAX_BACKLOG) return;
      this.sender.control(ping(this.nextPing));
      this.nextPing = (this.nextPing + 2) % 0x7ffffffe;
    }, this.options.pingIntervalMs ?? PING_INTERVAL_MS);
    this.sender.setDeaf(true);
    try {
      await Promise.race([room, this.closed]);
    } finally {
      clearInterval(timer);
      this.sender.setDeaf(false);
    }
  }

  private async onSynStream(frame: Frame & { type: 'syn-stream' }): Promise<void> {
    const { streamId } = frame;
    if (streamId <= this.lastPeerStream || streamId % 2 === this.nextStream % 2) {
      throw new SpdyError(`the peer opened stream ${streamId} after ${this.lastPeerStream}`);
    }
    this.lastPeerStream = streamId;
    const headers = await this.decoder.decode(frame.block);
    const full = this.streams.size >= this.options.maxStreams;
    if (this.leaving || full || frame.unidirectional || this.end.signal.aborted) {
      this.sender.control(rstStream(streamId, RST_STATUS.REFUSED_STREAM));
      return;
    }
    const stream = this.newStream(streamId, headers);
    if (frame.fin) void stream.receive(Buffer.alloc(0), true);
    if (this.options.onStream(stream)) this.sender.control(synReply(streamId, this.encoder.encode(new Map())));
    else stream.refuse();
  }

  private async onSynReply(streamId: number, fin: boolean, block: Buffer): Promise<void> {
    await this.decoder.decode(block);
    this.answered(streamId, true);
    if (fin) void this.streams.get(streamId)?.receive(Buffer.alloc(0), true);
  }

  private async onHeaders(streamId: number, fin: boolean, block: Buffer): Promise<void> {
    await this.decoder.decode(block);
    if (fin) void this.streams.get(streamId)?.receive(Buffer.alloc(0), true);
  }

  private answered(streamId: number, opened: boolean): void {
    this.opening.get(streamId)?.(opened);
    this.opening.delete(streamId);
  }

  private newStream(id: number, headers: Headers): SpdyStream {
    const stream = new SpdyStream(id, headers, {
      send: (streamId, data, fin, done) => {
        this.idle.refresh();
        this.sender.send(streamId, data, fin, done);
      },
      consumed: (streamId, bytes) => {
        this.acknowledge(streamId, bytes);
        this.acknowledge(0, bytes);
      },
      closed: (streamId, status) => {
        if (status !== undefined) this.sender.control(rstStream(streamId, status));
        this.forget(streamId);
      },
    });
    this.streams.set(id, stream);
    return stream;
  }

  private forget(streamId: number): void {
    this.streams.delete(streamId);
    this.unacknowledged.delete(streamId);
    this.sender.drop(streamId);
  }

  /** Tells a peer that counts windows what was read; the others ignore it. Stream 0 is the session. */
  private acknowledge(streamId: number, bytes: number): void {
    if (streamId !== 0 && !this.streams.has(streamId)) return;
    const total = (this.unacknowledged.get(streamId) ?? 0) + bytes;
    const due = total >= DEFAULT_WINDOW / 2;
    this.unacknowledged.set(streamId, due ? 0 : total);
    if (due) this.sender.control(windowUpdate(streamId, total));
  }
}
