/**
 * Writes protobuf's wire format (protobuf.dev, "Encoding") into one buffer that grows. The length of a message stands
 * before it and is known after it: one byte is kept for it, and a longer one moves the message.
 */

const FIRST_SIZE = 1024;
/** A varint of 64 bits. */
const MAX_VARINT = 10;
/** Up to here a loop over ASCII is cheaper than a call into Node's encoder. */
const SHORT_STRING = 48;

export class Writer {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #length = 0;
  /** Where each message that is open has its length. */
  readonly #open: number[] = [];

  /** What was written; the writer is not to be used again. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  uint32(value: number): this {
    this.#reserve(MAX_VARINT);
    this.#varint(value >>> 0);
    return this;
  }

  /** A negative one has ten bytes, as 64 bits have. */
  int32(value: number): this {
    if (value >= 0) return this.uint32(value);
    return this.varint64(value >>> 0, 0xffff_ffff);
  }

  /** A varint of 64 bits by its halves, both unsigned. */
  varint64(low: number, high: number): this {
    this.#reserve(MAX_VARINT);
    let rest = low;
    let above = high;
    while (above > 0) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest = ((rest >>> 7) | (above << 25)) >>> 0;
      above >>>= 7;
    }
    this.#varint(rest);
    return this;
  }

  bool(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  double(value: number): this {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
    return this;
  }

  string(value: string): this {
    this.#reserve(value.length * 3 + MAX_VARINT);
    const start = this.fork().#length;
    this.#length = (value.length <= SHORT_STRING && this.#ascii(value)) || start + this.#bytes.write(value, start);
    return this.ldelim();
  }

  bytes(value: Uint8Array): this {
    this.uint32(value.length);
    return this.raw(value);
  }

  /** Bytes that are encoded already. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Begins a message, or whatever has its length before it. */
  fork(): this {
    this.#reserve(1);
    this.#open.push(this.#length++);
    return this;
  }

  /** Ends what the last `fork` began. */
  ldelim(): this {
    const at = this.#open.pop();
    if (at === undefined) throw new Error('ldelim without a fork');
    const size = this.#length - at - 1;
    const extra = size < 0x80 ? 0 : size < 0x4000 ? 1 : size < 0x20_0000 ? 2 : size < 0x1000_0000 ? 3 : 4;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(at + 1 + extra, at + 1, this.#length);
    }
    this.#length = at;
    this.#varint(size);
    this.#length += size;
    return this;
  }

  /** Where it ends, or 0 when it is not all ASCII. */
  #ascii(value: string): number {
    const start = this.#length;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 127) return 0;
      this.#bytes[start + index] = code;
    }
    return start + value.length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
