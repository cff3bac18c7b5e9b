/** Starts unpacker processes (unpack/main.ts), feeds them, and hears what became of it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withStdio } from '../child-stdio.js';
import { CribError, ERROR_CODES, type ErrorCode } from '../errors.js';
import { failpointsNow } from '../failpoints.js';
import { isObject } from './manifest.js';
import type { Pending, SettleReport, SettleTask, UnpackerTask, UnpackReport, UnpackTask } from './unpack/protocol.js';
import { looksLikeZstd, ZstdFilter } from './zstd.js';

const MAX_ANSWER = 256 << 20;
/** What an unpacker may take to write what it was given, or to answer. */
const STALL_MS = 300_000;
/** Bytes on their way to an unpacker. */
const MAX_QUEUED = 1 << 20;
/** Bytes of JavaScript heap, in MiB: a layer can only make an unpacker remember so much. */
const HEAP = '--max-old-space-size=768';

/** How the unpacker is started; a bundle has it elsewhere than the sources. */
export const UNPACKER_SCRIPT = fileURLToPath(new URL('./unpack/main.js', import.meta.url));

class UnpackerProcess<T> {
  readonly child: ChildProcess;
  readonly result: Promise<T>;

  constructor(script: string, task: UnpackerTask) {
    const options = { stdio: 'pipe' as const, env: failpointsNow(), cwd: '/' };
    this.child = withStdio(spawn(process.execPath, [HEAP, script, JSON.stringify(task)], options));
    this.result = this.#answer();
    this.result.catch(() => undefined);
    // A process that ends early is told by its answer, not by the broken pipe.
    this.child.stdin?.on('error', () => undefined);
  }

  #answer(): Promise<T> {
    const output = collect(this.child, 'stdout', MAX_ANSWER);
    const errors = collect(this.child, 'stderr', 65536);
    return new Promise((resolve, reject) => {
      this.child.once('error', (error) =>
        reject(new CribError('INTERNAL', `start the unpacker: ${error.message}`, { cause: error })),
      );
      this.child.once('close', (code, signal) => {
        try {
          resolve(readAnswer<T>(output()));
        } catch (error) {
          const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
          if (error instanceof CribError) reject(error);
          else
            reject(
              new CribError(
                signal === 'SIGABRT' || code === 134 ? 'RESOURCE_EXHAUSTED' : 'INTERNAL',
                `unpack a layer: the unpacker ended by ${how}: ${errors().slice(-2000)}`,
              ),
            );
        }
      });
    });
  }
}

/** One layer on its way to the disk. */
export class LayerUnpacker {
  readonly #process: UnpackerProcess<UnpackReport>;
  readonly #watchdog: NodeJS.Timeout;
  #hung = false;
  #zstd: ZstdFilter | undefined;
  #head: Buffer | undefined = Buffer.alloc(0);

  constructor(script: string, task: Omit<UnpackTask, 'kind' | 'parentPid'>) {
    this.#process = new UnpackerProcess(script, { kind: 'unpack', parentPid: process.pid, ...task });
    this.#watchdog = setTimeout(() => this.#stalled(), STALL_MS);
    this.#process.child.once('close', () => clearTimeout(this.#watchdog));
  }

  /** Settles when more may be written, also when the layer has been refused: that says `finish`. */
  async write(chunk: Buffer): Promise<void> {
    if (this.#head === undefined) return this.#feed(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= 4) await this.#begin();
  }

  /** Says that this was all, and waits for the report. */
  async finish(): Promise<UnpackReport> {
    if (this.#head !== undefined) await this.#begin();
    this.#input.end();
    this.#watchdog.refresh();
    try {
      return await this.#report();
    } catch (error) {
      throw this.#hung ? stalled() : error;
    }
  }

  /** Ends it at once and waits until it is gone; its directory is the caller's to remove. */
  async kill(): Promise<void> {
    this.#zstd?.kill();
    this.#process.child.kill('SIGKILL');
    await this.#process.result.catch(() => undefined);
  }

  #stalled(): void {
    this.#hung = true;
    void this.kill();
  }

  get #input() {
    const input = this.#zstd?.input ?? this.#process.child.stdin;
    if (input === null) throw new CribError('INTERNAL', 'feed the unpacker: it has no stdin');
    return input;
  }

  async #begin(): Promise<void> {
    const head = this.#head ?? Buffer.alloc(0);
    this.#head = undefined;
    if (looksLikeZstd(head)) this.#zstd = new ZstdFilter(this.#input);
    if (head.length > 0) await this.#feed(head);
  }

  /** A stream that is gone calls back too; why it is gone says `finish`. */
  #feed(chunk: Buffer): Promise<void> {
    this.#watchdog.refresh();
    const input = this.#input;
    return new Promise((resolve) => {
      if (input.writableLength < MAX_QUEUED) {
        input.write(chunk);
        resolve();
      } else {
        input.write(chunk, () => resolve());
      }
    });
  }

  async #report(): Promise<UnpackReport> {
    if (this.#zstd === undefined) return this.#process.result;
    const [report, zstd] = await Promise.allSettled([this.#process.result, this.#zstd.done]);
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
  const unpacker = new UnpackerProcess<SettleReport>(script, { kind: 'settle', parentPid: process.pid, ...task });
  unpacker.child.stdin?.end(JSON.stringify(pending));
  const kill = () => void unpacker.child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    return await withDeadline(unpacker.result, async () => kill());
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function stalled(): CribError {
  return new CribError('DEADLINE_EXCEEDED', `unpack a layer: no progress for ${STALL_MS / 1000} s; is the disk stuck?`);
}

async function withDeadline<T>(work: Promise<T>, kill: () => Promise<void>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new CribError('DEADLINE_EXCEEDED', `unpack a layer: no progress for ${STALL_MS / 1000} s; is the disk stuck?`),
      );
      void kill();
    }, STALL_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function collect(child: ChildProcess, stream: 'stdout' | 'stderr', limit: number): () => string {
  const pieces: Buffer[] = [];
  let length = 0;
  child[stream]?.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length <= limit) pieces.push(piece);
  });
  return () => Buffer.concat(pieces).toString('utf8');
}

function readAnswer<T>(text: string): T {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error('no answer');
  if (value.ok === true) return value.report as T;
  const code = ERROR_CODES.find((known): known is ErrorCode => known === value.code);
  throw new CribError(code ?? 'INTERNAL', String(value.message));
}
