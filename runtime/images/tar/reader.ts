/**
 * A tar stream taken apart as its bytes come: nothing is copied but headers, and file contents are handed on in the
 * pieces that they came in. v7, ustar, PAX with sparse files, GNU long names; GNU's own sparse files and archives of
 * several volumes are refused, as by containerd.
 *
 *   HEADER ──> META (x g L K) ──> HEADER
 *     │  └───> DATA ──> PADDING ──> HEADER
 *     └──────> END (two blocks of zeros; what follows is passed over)
 */

import { CribError } from '../../errors.js';
import { BLOCK, badTar, parseHeader, type RawHeader } from './header.js';
import { type PaxRecords, parsePax, paxNumber, paxTime, XATTR } from './pax.js';
import { SparseFile, type SparseSink } from './sparse.js';

export type EntryType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  readonly type: EntryType;
  /** Bytes as a latin1 string, as it stands in the archive. */
  readonly path: string;
  readonly linkPath: string;
  /** Permission bits (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content, with the holes; 0 for all but files. */
  readonly size: number;
  /** Bytes of it that the archive has. */
  readonly storedSize: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Takes the entries in order: `entry`, its `data` and holes in pieces, `end`. What it throws ends the reading. */
export interface TarSink extends SparseSink {
  entry(entry: TarEntry): void;
  end(): void;
}

/** PATH_MAX without its NUL: a longer name cannot be written in one call. */
const MAX_NAME = 4095;
const MAX_META = 1 << 20;
/** All global headers together: what they set is held to the end. */
const MAX_GLOBALS = 64 << 20;
const NO_ID = 0xffff_ffff;

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  '\0': 'file',
};

const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();

export class TarReader {
  readonly #sink: TarSink;
  #state: 'header' | 'meta' | 'data' | 'padding' | 'end' = 'header';
  /** Bytes that the present state still waits for. */
  #left = BLOCK;
  #padding = 0;
  #zeroBlocks = 0;
  #block = Buffer.alloc(BLOCK);
  #metaFlag = '';
  #meta = Buffer.alloc(0);
  #globals: PaxRecords = new Map();
  #globalBytes = 0;
  #locals: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;
  #sparse: SparseFile | undefined;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes. `chunk` must stay unchanged for the length of the call only. */
  write(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length && this.#state !== 'end') {
      const piece = chunk.subarray(position, position + this.#left);
      position += piece.length;
      if (this.#state === 'header' && piece.length === BLOCK) {
        this.#header(piece);
        continue;
      }
      if (this.#state === 'header') piece.copy(this.#block, BLOCK - this.#left);
      else if (this.#state === 'meta') piece.copy(this.#meta, this.#meta.length - this.#left);
      else if (this.#state === 'data') this.#data(piece);
      this.#left -= piece.length;
      if (this.#left === 0) this.#complete();
    }
  }

  /** Says that there are no more bytes. Throws INVALID_ARGUMENT when an entry is incomplete, but for its padding. */
  finish(): void {
    if (this.#state === 'end' || this.#state === 'padding') return;
    const pending = this.#locals ?? this.#longName ?? this.#longLink;
    if (this.#state !== 'header' || this.#left !== BLOCK || pending !== undefined) {
      throw badTar('it ends in the middle of an entry');
    }
  }

  #complete(): void {
    if (this.#state === 'header') {
      this.#header(this.#block);
      return;
    }
    if (this.#state === 'meta') this.#takeMeta();
    if (this.#state === 'data') this.#endEntry();
    if (this.#state !== 'padding' && this.#padding > 0) this.#expect('padding', this.#padding);
    else this.#expect('header', BLOCK);
  }

  #expect(state: 'header' | 'meta' | 'data' | 'padding', bytes: number): void {
    this.#state = state;
    this.#left = bytes;
  }

  #header(block: Buffer): void {
    this.#expect('header', BLOCK);
    const header = parseHeader(block);
    if (header === undefined) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#state = 'end';
      return;
    }
    if (this.#zeroBlocks > 0) throw badTar('a single block of zeros stands between entries');
    if (header.size < 0) throw badTar(`"${header.name}" has a negative size`);
    this.#padding = (BLOCK - (header.size % BLOCK)) % BLOCK;
    if ('xXgLK'.includes(header.flag)) this.#startMeta(header);
    else this.#startEntry(header);
  }

  #startMeta(header: RawHeader): void {
    if (header.size > MAX_META)
      throw badTar(`an extended header of ${header.size} bytes is over the limit of ${MAX_META}`);
    this.#metaFlag = header.flag;
    this.#meta = Buffer.alloc(header.size);
    if (header.size === 0) this.#takeMeta();
    else this.#expect('meta', header.size);
  }

  #takeMeta(): void {
    if (this.#metaFlag === 'g') {
      this.#globalBytes += this.#meta.length;
      if (this.#globalBytes > MAX_GLOBALS)
        throw badTar(`its global headers are over the limit of ${MAX_GLOBALS} bytes`);
      parsePax(this.#meta, this.#globals);
      return;
    }
    if (this.#metaFlag === 'x' || this.#metaFlag === 'X') {
      this.#locals = new Map(this.#globals);
      parsePax(this.#meta, this.#locals);
      return;
    }
    const end = this.#meta.indexOf(0);
    const name = this.#meta.toString('latin1', 0, end < 0 ? this.#meta.length : end);
    if (this.#metaFlag === 'L') this.#longName = name;
    else this.#longLink = name;
  }

  #startEntry(header: RawHeader): void {
    const entry = this.#assemble(header);
    this.#padding = (BLOCK - (entry.storedSize % BLOCK)) % BLOCK;
    this.#sink.entry(entry);
    if (entry.storedSize > 0) this.#expect('data', entry.storedSize);
    else this.#endEntry();
  }

  #data(piece: Buffer): void {
    if (this.#sparse === undefined) this.#sink.data(piece);
    else this.#sparse.take(piece, this.#sink);
  }

  #endEntry(): void {
    this.#sparse?.end(this.#sink);
    this.#sparse = undefined;
    this.#sink.end();
  }

  #assemble(header: RawHeader): TarEntry {
    const pax = this.#locals ?? this.#globals;
    const named = checkedName(pax.get('path') ?? this.#longName ?? header.name, 'name');
    const linkPath = checkedName(pax.get('linkpath') ?? this.#longLink ?? header.linkName, 'link target');
    this.#locals = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    const fileSize = paxNumber(pax, 'size') ?? header.size;
    const type = typeOf(header.flag, named, fileSize);
    const storedSize = type === 'file' ? fileSize : 0;
    if (storedSize < 0) throw badTar(`"${named}" has a negative size`);
    this.#sparse = type === 'file' ? SparseFile.of(pax, storedSize) : undefined;
    const path = checkedName(this.#sparse?.name ?? named, 'name');
    const time = paxTime(pax, 'mtime');
    return {
      type,
      path,
      linkPath,
      mode: header.mode,
      uid: checkedId(paxNumber(pax, 'uid') ?? header.uid, path),
      gid: checkedId(paxNumber(pax, 'gid') ?? header.gid, path),
      size: this.#sparse?.size ?? storedSize,
      storedSize,
      mtimeSeconds: time?.seconds ?? header.mtime,
      mtimeNanoseconds: time?.nanoseconds ?? 0,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: xattrsOf(pax),
    };
  }
}

/** Old archives have no flag for directories, but a slash at the end of the name. */
function typeOf(flag: string, path: string, size: number): EntryType {
  if (flag === 'S') {
    throw new CribError(
      'UNIMPLEMENTED',
      `unpack "${path}": GNU's sparse tar entries are not supported; build the layer without --sparse, or with --format=posix`,
    );
  }
  const type = TYPES[flag];
  if (type === undefined)
    throw new CribError('UNIMPLEMENTED', `unpack "${path}": unknown tar entry type ${JSON.stringify(flag)}`);
  return type === 'file' && path.endsWith('/') && (flag === '\0' || size === 0) ? 'directory' : type;
}

function checkedName(name: string, what: string): string {
  if (name.length > MAX_NAME) throw badTar(`a ${what} of ${name.length} bytes is over the limit of ${MAX_NAME}`);
  if (name.includes('\0')) throw badTar(`a ${what} has a NUL in it`);
  return name;
}

/**
 * uid_t and gid_t are 32 bits: -2, as macOS has its nobody, is 2^32 - 2. The last value means "leave as it is" to chown(2),
 * and what is new is root's.
 */
function checkedId(id: number, path: string): number {
  if (id < -NO_ID || id > NO_ID) throw badTar(`the owner of "${path}" is out of range: ${id}`);
  const unsigned = id >>> 0;
  return unsigned === NO_ID ? 0 : unsigned;
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  let xattrs: Map<string, Buffer> | undefined;
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR)) continue;
    xattrs ??= new Map();
    xattrs.set(key.slice(XATTR.length), Buffer.from(value, 'latin1'));
  }
  return xattrs ?? NO_XATTRS;
}
