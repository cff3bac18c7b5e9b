/**
 * Sparse files in PAX archives (GNU tar manual, "Storing Sparse Files"; versions 0.0, 0.1 and 1.0): what is stored are
 * the runs of bytes between the holes, and where they go stands in the header (0.x) or before them (1.0).
 */

import { CribError } from '../../errors.js';
import { BLOCK, badTar } from './header.js';
import { type PaxRecords, paxNumber } from './pax.js';

interface Run {
  readonly offset: number;
  readonly length: number;
}

/** Takes the content of a file in order, holes as their length in bytes. */
export interface SparseSink {
  data(piece: Buffer): void;
  hole(bytes: number): void;
}

const MAX_RUNS = 1_000_000;
const NEWLINE = 0x0a;

export class SparseFile {
  /** As it is in the file system: the archive's own name for it is another. */
  readonly name: string | undefined;
  /** Bytes, holes and all. */
  readonly size: number;
  readonly #runs: Run[] = [];
  /** Numbers of the map that were read, and what is known of the next one. */
  #numbers: number[] | undefined;
  #digits = '';
  #mapBytes = 0;
  #run = 0;
  #position = 0;

  /** undefined where `pax` tells of no sparse file. Throws INVALID_ARGUMENT, and UNIMPLEMENTED for other versions. */
  static of(pax: PaxRecords, storedSize: number): SparseFile | undefined {
    const major = pax.get('GNU.sparse.major');
    const minor = pax.get('GNU.sparse.minor');
    const map = pax.get('GNU.sparse.map');
    if (major === undefined && minor === undefined && map === undefined) return undefined;
    const version = `${major ?? 0}.${minor ?? 1}`;
    if (!['0.0', '0.1', '1.0'].includes(version)) {
      throw new CribError(
        'UNIMPLEMENTED',
        `read the layer's tar stream: sparse files of version ${version} are unknown`,
      );
    }
    return new SparseFile(pax, storedSize, version === '1.0' ? undefined : (map ?? ''));
  }

  private constructor(pax: PaxRecords, storedSize: number, map: string | undefined) {
    this.name = pax.get('GNU.sparse.name');
    this.size = paxNumber(pax, 'GNU.sparse.size') ?? paxNumber(pax, 'GNU.sparse.realsize') ?? storedSize;
    if (this.size < 0) throw badTar('a sparse file has a negative size');
    if (map === undefined) this.#numbers = [];
    else this.#setRuns(map === '' ? [] : map.split(',').map(mapNumber));
  }

  /** Takes the next bytes that are stored. */
  take(piece: Buffer, sink: SparseSink): void {
    let at = this.#numbers === undefined ? 0 : this.#readMap(piece);
    while (at < piece.length) {
      const run = this.#runs[this.#run];
      if (run === undefined) throw badTar('a sparse file has more bytes than its map');
      this.#skipTo(run.offset, sink);
      const rest = piece.subarray(at, at + run.offset + run.length - this.#position);
      if (rest.length > 0) sink.data(rest);
      at += rest.length;
      this.#position += rest.length;
      if (this.#position === run.offset + run.length) this.#run++;
    }
  }

  /** Says that there are no more. Throws INVALID_ARGUMENT where some are missing. */
  end(sink: SparseSink): void {
    const rest = this.#runs.slice(this.#run);
    if (this.#numbers !== undefined || rest.some(({ length }) => length > 0)) {
      throw badTar('a sparse file has fewer bytes than its map');
    }
    this.#skipTo(this.size, sink);
  }

  #skipTo(offset: number, sink: SparseSink): void {
    if (offset > this.#position) sink.hole(offset - this.#position);
    this.#position = Math.max(this.#position, offset);
  }

  /** Version 1.0: how many runs, then offset and length of each, a line a number, up to the next block. */
  #readMap(piece: Buffer): number {
    const numbers = this.#numbers ?? [];
    for (const [at, byte] of piece.entries()) {
      this.#mapBytes++;
      if (!isWhole(numbers)) this.#mapByte(byte, numbers);
      if (this.#mapBytes % BLOCK !== 0 || !isWhole(numbers)) continue;
      this.#numbers = undefined;
      this.#setRuns(numbers.slice(1));
      return at + 1;
    }
    return piece.length;
  }

  #mapByte(byte: number, numbers: number[]): void {
    if (byte !== NEWLINE) {
      this.#digits += String.fromCharCode(byte);
      if (this.#digits.length > 16) throw badTar('the map of a sparse file is none');
      return;
    }
    numbers.push(mapNumber(this.#digits));
    this.#digits = '';
    if ((numbers[0] ?? 0) > MAX_RUNS) throw badTar(`a sparse file has more than ${MAX_RUNS} runs`);
  }

  #setRuns(numbers: readonly number[]): void {
    if (numbers.length % 2 !== 0) throw badTar('the map of a sparse file is none');
    let end = 0;
    for (let i = 0; i < numbers.length; i += 2) {
      const run = { offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 };
      if (run.offset < end || run.offset + run.length > this.size) throw badTar('the map of a sparse file is none');
      end = run.offset + run.length;
      this.#runs.push(run);
    }
  }
}

function isWhole(numbers: readonly number[]): boolean {
  const [runs] = numbers;
  return runs !== undefined && numbers.length === 1 + 2 * runs;
}

function mapNumber(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw badTar('the map of a sparse file is none');
  return value;
}
