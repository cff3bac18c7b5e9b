/** zstd (RFC 8878) by the command of that name, for Node 20's zlib has none. It runs as nobody. */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { withStdio } from '../child-stdio.js';
import { CribError } from '../errors.js';

const NOBODY = 65534;
const MAGIC = 0xfd2fb528;

/** A zstd frame, or a skippable one, as zstd:chunked and pzstd begin. */
export function looksLikeZstd(head: Buffer): boolean {
  if (head.length < 4) return false;
  const magic = head.readUInt32LE(0);
  return magic === MAGIC || (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

export class ZstdFilter {
  readonly input: Writable;
  /** Settles when all is decompressed. Rejects with DATA_LOSS, or FAILED_PRECONDITION where there is no zstd. */
  readonly done: Promise<void>;
  readonly #child: ChildProcess;

  /** Decompresses what is written to `input` into the descriptor `output`, which stays the caller's to close. */
  constructor(output: number) {
    const options = { uid: NOBODY, gid: NOBODY, cwd: '/', env: { PATH: '/usr/local/bin:/usr/bin:/bin' } };
    this.#child = withStdio(spawn('zstd', ['-dcq'], { stdio: ['pipe', output, 'pipe'], ...options }));
    this.done = this.#ended();
    this.done.catch(() => undefined);
    const input = this.#child.stdin;
    if (input === null) throw new CribError('INTERNAL', 'start zstd: it has no stdin');
    input.on('error', () => undefined);
    this.input = input;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ended(): Promise<void> {
    let message = '';
    this.#child.stderr?.on('data', (piece: Buffer) => {
      if (message.length < 2000) message += piece.toString('utf8');
    });
    return new Promise((resolve, reject) => {
      this.#child.once('error', (error) => {
        const why = `decompress a layer: cannot run zstd: ${error.message}; install it: apt-get install zstd`;
        reject(new CribError('FAILED_PRECONDITION', why, { cause: error }));
      });
      this.#child.once('close', (code) => {
        // Ended by a signal: the unpacker went first, or it was killed; either is told by somebody else.
        if (code === 0 || code === null || message.includes('Broken pipe')) resolve();
        else reject(new CribError('DATA_LOSS', `decompress a layer: ${message.trim()}; the image must be built anew`));
      });
    });
  }
}
