/**
 * What the generated codecs stand on: protobuf's wire format (protobuf.dev, "Encoding") on protobufjs' minimal Reader
 * and a Writer of our own. 64 bit integers are bigints. Decoding never trusts its input: lengths stay within the message they are
 * in, strings must be UTF-8 (proto3), and every error names the field by its path, `config.metadata.name`.
 */

import { isUtf8 } from 'node:buffer';
import protobuf, { type Reader } from 'protobufjs/minimal.js';
import { Writer } from './writer.js';

export type { Reader, Writer };

/** What a double holds exactly; arithmetic of bigints allocates. */
const EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** A message where every field may be left out; what is left out has its default. */
export type DeepPartial<T> = T extends bigint | number | string | boolean | Uint8Array
  ? T
  : T extends readonly (infer U)[]
    ? readonly DeepPartial<U>[]
    : string extends keyof T
      ? Readonly<T>
      : { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined };

export interface MessageCodec<T> {
  readonly name: string;
  encode(message: DeepPartial<T>, writer: Writer): void;
  /** Reads the message that ends at offset `end` of the reader's buffer. */
  decode(reader: Reader, end: number): T;
}

/** A message could not be decoded. `field` is the path of the field, empty for the message itself. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly field: string;
  readonly problem: string;

  constructor(field: string, problem: string) {
    super(field === '' ? problem : `${field}: ${problem}`);
    this.field = field;
    this.problem = problem;
  }

  /** The same error, seen from the message that has `parent` as its field. */
  below(parent: string): DecodeError {
    return new DecodeError(this.field === '' ? parent : `${parent}.${this.field}`, this.problem);
  }
}

/** A message that is encoded already. */
class Encoded {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Stands for `message` wherever that is to be encoded: the work is done now, where the caller can take turns. */
export function encodedMessage<T>(codec: MessageCodec<T>, message: DeepPartial<T>): DeepPartial<T> {
  return new Encoded(encodeMessage(codec, message)) as unknown as DeepPartial<T>;
}

/** A message in parts. */
class Merged {
  readonly parts: readonly object[];

  constructor(parts: readonly object[]) {
    this.parts = parts;
  }
}

/**
 * Stands for the message that its `parts` are merged to: encodings one after the other are the encoding of all of them
 * (protobuf.dev, "Last One Wins"), lists are joined. Of many messages that are alike in part, that part is encoded once.
 */
export function mergedMessage<T extends object>(parts: readonly DeepPartial<T>[]): DeepPartial<T> {
  return new Merged(parts) as unknown as DeepPartial<T>;
}

export function encodeMessage<T>(codec: MessageCodec<T>, message: DeepPartial<T>): Buffer {
  if (message instanceof Encoded) return message.bytes;
  const writer = new Writer();
  writeFields(writer, codec, message);
  return writer.finish();
}

function writeFields<T>(writer: Writer, codec: MessageCodec<T>, message: DeepPartial<T>): void {
  if (message instanceof Encoded) writer.raw(message.bytes);
  else if (message instanceof Merged) {
    for (const part of message.parts) writeFields(writer, codec, part as DeepPartial<T>);
  } else codec.encode(message, writer);
}

/** Throws DecodeError for anything that is not a well-formed message. */
export function decodeMessage<T>(codec: MessageCodec<T>, bytes: Buffer): T {
  const reader = protobuf.Reader.create(bytes);
  try {
    const message = codec.decode(reader, reader.len);
    checkEnd(reader, reader.len);
    return message;
  } catch (error) {
    throw decodeError(error);
  }
}

function decodeError(error: unknown): DecodeError {
  if (error instanceof DecodeError) return error;
  return new DecodeError('', `malformed message: ${error instanceof Error ? error.message : String(error)}`);
}

function checkEnd(reader: Reader, end: number): void {
  if (reader.pos !== end) throw new DecodeError('', 'malformed message: a field is longer than the message it is in');
}

/** Offset at which the length-delimited value that follows ends. */
function readEnd(reader: Reader, field: string, end: number): number {
  const length = reader.uint32();
  const valueEnd = reader.pos + length;
  if (valueEnd > end)
    throw new DecodeError(field, `truncated: ${length} bytes announced, ${end - reader.pos} are there`);
  return valueEnd;
}

/** Passes over a field that this version of the CRI does not know. */
export function skipUnknown(reader: Reader, tag: number): void {
  if (tag >>> 3 === 0) throw new DecodeError('', 'malformed message: field number 0');
  reader.skipType(tag & 7);
}

export function readMessage<T>(reader: Reader, field: string, end: number, codec: MessageCodec<T>): T {
  const valueEnd = readEnd(reader, field, end);
  try {
    const message = codec.decode(reader, valueEnd);
    checkEnd(reader, valueEnd);
    return message;
  } catch (error) {
    throw decodeError(error).below(field);
  }
}

/** Like `readMessage`, for the element `index` of a repeated field. */
export function readElement<T>(reader: Reader, field: string, index: number, end: number, codec: MessageCodec<T>): T {
  try {
    return readMessage(reader, '', end, codec);
  } catch (error) {
    const inner = decodeError(error);
    throw new DecodeError(`${field}[${index}]${inner.field}`, inner.problem);
  }
}

export function readString(reader: Reader, field: string, end: number): string {
  const valueEnd = readEnd(reader, field, end);
  const bytes = reader.buf.subarray(reader.pos, valueEnd);
  if (!isUtf8(bytes)) throw new DecodeError(field, 'not valid UTF-8');
  reader.pos = valueEnd;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The bytes are a view of the message that was received. */
export function readBytes(reader: Reader, field: string, end: number): Uint8Array {
  const valueEnd = readEnd(reader, field, end);
  const bytes = reader.buf.subarray(reader.pos, valueEnd);
  reader.pos = valueEnd;
  return bytes;
}

/** A `map<string, string>` entry: a message of key = 1 and value = 2, either of which may be missing. */
export function readMapEntry(reader: Reader, field: string, end: number, into: Record<string, string>): void {
  const entryEnd = readEnd(reader, field, end);
  let key = '';
  let value = '';
  while (reader.pos < entryEnd) {
    const tag = reader.uint32();
    if (tag === 10) key = readString(reader, `${field} key`, entryEnd);
    else if (tag === 18) value = readString(reader, `${field}[${JSON.stringify(key)}]`, entryEnd);
    else skipUnknown(reader, tag);
  }
  checkEnd(reader, entryEnd);
  if (key === '__proto__') {
    Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    into[key] = value;
  }
}

/** A repeated scalar in its packed form; decoders must take both forms. */
export function readPacked<T>(
  reader: Reader,
  field: string,
  end: number,
  into: T[],
  read: (reader: Reader) => T,
): void {
  const valueEnd = readEnd(reader, field, end);
  while (reader.pos < valueEnd) into.push(read(reader));
  if (reader.pos !== valueEnd) throw new DecodeError(field, 'malformed packed list');
}

/** int32 and enums: on the wire a 64 bit varint of which the low half counts. */
export function readInt32(reader: Reader): number {
  return readVarint(reader)[0] | 0;
}

export function readUint32(reader: Reader): number {
  return readVarint(reader)[0];
}

export function readBool(reader: Reader): boolean {
  const [low, high] = readVarint(reader);
  return low !== 0 || high !== 0;
}

export function readDouble(reader: Reader): number {
  return reader.double();
}

export function readUint64(reader: Reader): bigint {
  const [low, high] = readVarint(reader);
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}

export function readInt64(reader: Reader): bigint {
  return BigInt.asIntN(64, readUint64(reader));
}

/** Low and high 32 bits of a varint of up to ten bytes. */
function readVarint(reader: Reader): [number, number] {
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = reader.pos < reader.len ? reader.buf[reader.pos] : undefined;
    if (byte === undefined) throw new DecodeError('', 'malformed message: it ends within a number');
    reader.pos++;
    const bits = byte & 127;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >> 4;
    } else high |= bits << (shift - 32);
    if (byte < 128) return [low >>> 0, high >>> 0];
  }
  throw new DecodeError('', 'malformed message: a number is longer than 64 bits');
}

/** Writes an int64 or uint64 as a varint. */
export function write64(writer: Writer, value: bigint): void {
  if (value >= 0n && value <= EXACT) {
    const number = Number(value);
    writer.varint64(number >>> 0, Math.floor(number / 0x1_0000_0000));
    return;
  }
  const bits = BigInt.asUintN(64, value);
  writer.varint64(Number(bits & 0xffffffffn), Number(bits >> 32n));
}

export function writeMessage<T>(writer: Writer, tag: number, codec: MessageCodec<T>, message: DeepPartial<T>): void {
  writer.uint32(tag);
  if (message instanceof Encoded) {
    writer.bytes(message.bytes);
    return;
  }
  writer.fork();
  writeFields(writer, codec, message);
  writer.ldelim();
}

export function writeMap(writer: Writer, tag: number, map: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(map)) {
    writer.uint32(tag).fork().uint32(10).string(key).uint32(18).string(value).ldelim();
  }
}

export function writeRepeated64(writer: Writer, tag: number, values: readonly bigint[]): void {
  if (values.length === 0) return;
  writer.uint32(tag).fork();
  for (const value of values) write64(writer, value);
  writer.ldelim();
}

export function writeRepeatedInt32(writer: Writer, tag: number, values: readonly number[]): void {
  if (values.length === 0) return;
  writer.uint32(tag).fork();
  for (const value of values) writer.int32(value);
  writer.ldelim();
}
