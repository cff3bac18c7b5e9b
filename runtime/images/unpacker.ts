/** One layer on its way to the disk, and its settling: what unpacker processes are asked, watched over. */

import fs from 'node:fs';
import { CribError } from '../errors.js';
import { makePipe } from '../linux/descriptors.js';
import type { Pending, Progress, SettleReport, SettleTask, UnpackReport } from './unpack/protocol.js';
import type { UnpackerPool } from './unpacker-pool.js';
import { UnpackerProcess } from './unpacker-process.js';
import { looksLikeZstd, ZstdFilter } from './zstd.js';

/** What an unpacker may take to write what it was given, or to answer. */
const STALL_MS = 300_000;
/** Bytes that it is not told of one by one. */
const PIECE = 1 << 20;

export interface LayerUnpackTask {
  /** Where the layer stands among those of its image. */
  readonly index: number;
  /** Absolute. */
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export class LayerUnpacker {
  readonly #pool: UnpackerPool;
  readonly #task: LayerUnpackTask;
  /** A descriptor of the blob's file. */
  readonly #source: number;
  readonly #process: UnpackerProcess;
  readonly #watchdog: NodeJS.Timeout;
  #hung = false;
  #zstd: ZstdFilter | undefined;
  #head: Buffer | undefined = Buffer.alloc(0);
  #bytes = 0;
  #told = 0;

  /** `source` is a descriptor of the file that the blob is in, or grows in. It stays the caller's. */
  constructor(pool: UnpackerPool, task: LayerUnpackTask, source: number) {
    this.#pool = pool;
    this.#task = task;
    this.#source = source;
    this.#process = pool.take(task.index);
    this.#watchdog = setTimeout(() => this.#stalled(), STALL_MS);
    this.#process.onAlive = () => this.#watchdog.refresh();
    void this.#process.ended.then(() => this.#rest());
  }

  /**
   * Says that `chunk` is in the file, after what came before. Settles when more may come, also when the layer has been
   * refused: that says `finish`.
   */
  async write(chunk: Buffer): Promise<void> {
    this.#watchdog.refresh();
    this.#bytes += chunk.length;
    if (this.#head === undefined) return this.#pass(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= 4) await this.#begin(this.#head);
  }

  /** Says that this was all, and waits for the report. */
  async finish(): Promise<UnpackReport> {
    if (this.#head !== undefined) await this.#begin(this.#head);
    if (this.#zstd === undefined) this.#tell(true);
    else this.#zstd.input.end();
    this.#watchdog.refresh();
    try {
      const report = await this.#report();
      this.#rest();
      this.#pool.giveBack(this.#process, this.#task.index);
      return report;
    } catch (error) {
      throw this.#hung ? stalled() : error;
    }
  }

  /** Ends it at once and waits until it is gone; its directory is the caller's to remove. */
  async kill(): Promise<void> {
    this.#rest();
    this.#zstd?.kill();
    this.#pool.drop(this.#process);
    await this.#process.ended;
  }

  #stalled(): void {
    this.#hung = true;
    void this.kill();
  }

  /** The process has nothing more to do with this layer. */
  #rest(): void {
    clearTimeout(this.#watchdog);
    this.#process.onAlive = () => undefined;
  }

  async #begin(head: Buffer): Promise<void> {
    this.#head = undefined;
    const { index, directory, maxBytes, maxEntries } = this.#task;
    const limits = { maxBytes, maxEntries, lowest: index === 0 };
    if (!looksLikeZstd(head)) {
      this.#process.give({ ...limits, grows: true }, directory, this.#source);
      return this.#pass(head);
    }
    const { reader, writer } = makePipe();
    try {
      this.#process.give({ ...limits, grows: false }, directory, reader);
      this.#zstd = new ZstdFilter(writer);
    } finally {
      fs.closeSync(reader);
      fs.closeSync(writer);
    }
    return this.#pass(head);
  }

  /** A stream that is gone calls back too; why it is gone says `finish`. */
  async #pass(chunk: Buffer): Promise<void> {
    const input = this.#zstd?.input;
    if (input === undefined) {
      if (this.#bytes - this.#told >= PIECE) this.#tell(false);
    } else if (!input.write(chunk)) {
      await new Promise<void>((resolve) => input.write('', () => resolve()));
    }
  }

  #tell(whole: boolean): void {
    const progress: Progress = { bytes: this.#bytes, whole };
    this.#told = this.#bytes;
    this.#process.input.write(`${JSON.stringify(progress)}\n`);
  }

  async #report(): Promise<UnpackReport> {
    const answer = this.#process.answer<UnpackReport>();
    if (this.#zstd === undefined) return answer;
    const [report, zstd] = await Promise.allSettled([answer, this.#zstd.done]);
    if (zstd.status === 'rejected') throw zstd.reason;
    if (report.status === 'rejected') throw report.reason;
    return report.value;
  }
}

/** Runs the settling of a layer (unpack/settle.ts) in a process of its own, which ends with `signal`. */
export async function settleLayer(
  script: string,
  task: Omit<SettleTask, 'kind' | 'parentPid'>,
  pending: Pending,
  signal: AbortSignal,
): Promise<SettleReport> {
  const unpacker = new UnpackerProcess(script, { kind: 'settle', parentPid: process.pid, ...task });
  unpacker.input.end(JSON.stringify(pending));
  const kill = () => unpacker.kill();
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    return await withDeadline(unpacker.answer<SettleReport>(), kill);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await unpacker.ended;
  }
}

function stalled(): CribError {
  return new CribError('DEADLINE_EXCEEDED', `unpack a layer: no progress for ${STALL_MS / 1000} s; is the disk stuck?`);
}

async function withDeadline<T>(work: Promise<T>, kill: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(stalled());
      kill();
    }, STALL_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
