/**
 * Output to CRI log lines: `2026-11-24T04:00:00.123456789Z stdout F content`, P for a piece of a line (CRI v1,
 * ContainerConfig.log_path; kubelet's pkg/kubelet/kuberuntime/logs). As containerd does it, a line longer than the limit is cut into
 * pieces, and what has no newline at the end of output is a piece: kubelet then prints the very bytes that came.
 */

import { STAMP_BYTES, writeStamp } from './clock.js';

/** Where whole log lines go. */
export interface LineSink {
  /** A chunk with at least `bytes` free; what is put there counts once `length` was raised. */
  reserve(bytes: number): Chunk;
}

export interface Chunk {
  readonly bytes: Buffer;
  length: number;
}

/** A limit above this is taken as this: it bounds the memory that one unfinished line holds. */
export const MAX_LINE_BYTES = 128 * 1024;

const NEWLINE = 0x0a;
const FULL = 0x46;
const PARTIAL = 0x50;

export class LineFormatter {
  readonly #sink: LineSink;
  readonly #limit: number;
  readonly #header: Buffer;
  readonly #tag: number;
  /** The beginning of a line whose end has not come; undefined while there is none, so an idle stream costs nothing. */
  #carry: Buffer | undefined;
  #carried = 0;

  constructor(sink: LineSink, stream: 'stdout' | 'stderr', maxLineBytes: number) {
    this.#sink = sink;
    this.#limit = Math.min(Math.max(maxLineBytes > 0 ? maxLineBytes : MAX_LINE_BYTES, 1), MAX_LINE_BYTES);
    this.#header = Buffer.from(`${'0'.repeat(STAMP_BYTES)} ${stream} F `, 'latin1');
    this.#tag = this.#header.length - 2;
  }

  /** Formats the first `size` bytes of `source`; one timestamp for all. `source` is free again on return. */
  push(source: Buffer, size: number): void {
    writeStamp(this.#header, 0);
    let start = this.#carried > 0 ? this.#finishCarried(source, size) : 0;
    while (start < size) start = this.#lines(source, start, size);
  }

  /** The end of output: what has no newline becomes a partial line. */
  end(): void {
    if (this.#carried === 0) return;
    writeStamp(this.#header, 0);
    this.#emitCarried(Buffer.alloc(0), 0, PARTIAL);
  }

  /** A copy of the beginning of a line whose end has not come. */
  get unfinished(): Buffer {
    return Buffer.from(this.#carry?.subarray(0, this.#carried) ?? []);
  }

  /** Goes on with an unfinished line of another formatter's. */
  resume(unfinished: Buffer): void {
    if (unfinished.length > 0) this.#keep(unfinished, 0, unfinished.length);
  }

  /** Forgets an unfinished line and returns its size in bytes. */
  discard(): number {
    const size = this.#carried;
    this.#carried = 0;
    this.#carry = undefined;
    return size;
  }

  /** As many lines as one chunk has room for. Returns where it stopped. The loop that 300 MB go through, byte by byte. */
  #lines(source: Buffer, from: number, size: number): number {
    const header = this.#header;
    const headerSize = header.length;
    const limit = this.#limit;
    const worst = headerSize + limit + 1;
    const chunk = this.#sink.reserve(worst);
    const target = chunk.bytes;
    const last = target.length - worst;
    let out = chunk.length;
    let at = from;
    while (at < size && out <= last) {
      const start = at;
      const line = out;
      for (let index = 0; index < headerSize; index++) target[out++] = header[index] as number;
      const stop = size - start > limit ? start + limit : size;
      let byte = 0;
      while (at < stop) {
        byte = source[at] as number;
        if (byte === NEWLINE) break;
        target[out++] = byte;
        at++;
      }
      if (at < size && (at < stop || source[at] === NEWLINE)) at++;
      else if (at === size) {
        out = line;
        this.#keep(source, start, at);
      } else target[line + this.#tag] = PARTIAL;
      if (out !== line) target[out++] = NEWLINE;
    }
    chunk.length = out;
    return at;
  }

  /** Ends, or goes on with, the line that an earlier read began. Returns how much of `source` that took. */
  #finishCarried(source: Buffer, size: number): number {
    const stop = Math.min(size, this.#limit - this.#carried);
    let at = 0;
    while (at < stop && source[at] !== NEWLINE) at++;
    if (at === size) {
      this.#keep(source, 0, size);
      return size;
    }
    const full = source[at] === NEWLINE;
    this.#emitCarried(source, at, full ? FULL : PARTIAL);
    return full ? at + 1 : at;
  }

  #keep(source: Buffer, start: number, end: number): void {
    const size = this.#carried + end - start;
    if (this.#carry === undefined || this.#carry.length < size) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(256, size * 2)));
      this.#carry?.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    source.copy(this.#carry, this.#carried, start, end);
    this.#carried = size;
  }

  #emitCarried(rest: Buffer, restSize: number, tag: number): void {
    const carried = this.#carried;
    const chunk = this.#sink.reserve(this.#header.length + carried + restSize + 1);
    let out = chunk.length;
    out += this.#header.copy(chunk.bytes, out);
    chunk.bytes[chunk.length + this.#tag] = tag;
    out += this.#carry?.copy(chunk.bytes, out, 0, carried) ?? 0;
    out += rest.copy(chunk.bytes, out, 0, restSize);
    chunk.bytes[out++] = NEWLINE;
    chunk.length = out;
    this.discard();
  }
}
