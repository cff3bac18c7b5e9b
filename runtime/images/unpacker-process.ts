/** One unpacker process (unpack/main.ts): started, asked, and heard of how it ended. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import fs from 'node:fs';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { withStdio } from '../child-stdio.js';
import { CribError, ERROR_CODES, type ErrorCode } from '../errors.js';
import { failpointsNow } from '../failpoints.js';
import { AT } from '../linux/constants.js';
import { errnoName } from '../linux/libc.js';
import { cloneTree } from '../linux/mounts.js';
import { pairOfUnix, sendDescriptors } from '../linux/sockets.js';
import { isObject } from './manifest.js';
import type { LayerTask, UnpackerTask } from './unpack/protocol.js';

const MAX_ANSWER = 256 << 20;
const MAX_ERRORS = 65536;
/** Bytes of JavaScript heap, in MiB: a layer can only make an unpacker remember so much. */
const HEAP = '--max-old-space-size=768';
/** glibc keeps what Node frees, up to here: each piece that is decompressed would be given back, and faulted in anew. */
const MALLOC = { MALLOC_MMAP_THRESHOLD_: `${8 << 20}`, MALLOC_TRIM_THRESHOLD_: `${128 << 20}` };

/** How the unpacker is started; a bundle has it elsewhere than the sources. */
export const UNPACKER_SCRIPT = fileURLToPath(new URL('./unpack/main.js', import.meta.url));

interface Question {
  readonly resolve: (line: string) => void;
  readonly reject: (error: CribError) => void;
}

export class UnpackerProcess {
  /** Settles when it is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  /** Of the layers' messages; -1 when it is closed. */
  #socket: number;
  #question: Question | undefined;
  /** What has come of the next line, and how much of it. */
  #partial: Buffer[] = [];
  #heard = 0;
  readonly #lines: string[] = [];
  #errors = '';
  #failure: CribError | undefined;
  /** Called with each sign of life. */
  onAlive: () => void = () => undefined;

  constructor(script: string, task: UnpackerTask) {
    const [own, theirs] = pairOfUnix();
    this.#socket = own;
    try {
      const env = { ...failpointsNow(), ...MALLOC };
      const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'pipe', theirs], env, cwd: '/' };
      this.#child = withStdio(spawn(process.execPath, [HEAP, script, JSON.stringify(task)], options));
    } catch (error) {
      this.#closeSocket();
      throw error;
    } finally {
      fs.closeSync(theirs);
    }
    this.ended = this.#listen();
  }

  get input(): Writable {
    const input = this.#child.stdin;
    if (input === null) throw new CribError('INTERNAL', 'feed the unpacker: it has no stdin');
    return input;
  }

  /** Neither killed nor, as far as is known, ended. */
  get usable(): boolean {
    return this.#socket >= 0;
  }

  /** Gives it the next layer: the absolute directory to unpack into, and a descriptor of what to read. */
  give(task: LayerTask, directory: string, source: number): void {
    const tree = cloneTree(AT.FDCWD, directory, false);
    try {
      if (!this.usable) return; // answer() says how it ended
      const sent = sendDescriptors(this.#socket, Buffer.from(JSON.stringify(task)), [tree, source]);
      if (!sent) throw new CribError('INTERNAL', 'unpack a layer: the unpacker does not take it');
    } catch (error) {
      if (errnoName(error) !== 'EPIPE') throw error;
    } finally {
      fs.closeSync(tree);
    }
  }

  /** Its next answer. Throws what it refused its work with, or how it ended. */
  async answer<T>(): Promise<T> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#question = { resolve, reject };
      this.#next();
    });
    return readAnswer<T>(line);
  }

  /** Ends it at once. */
  kill(): void {
    this.#closeSocket();
    this.#child.kill('SIGKILL');
  }

  #closeSocket(): void {
    if (this.#socket >= 0) fs.closeSync(this.#socket);
    this.#socket = -1;
  }

  #listen(): Promise<void> {
    const { stdin, stdout, stderr } = this.#child;
    // A process that ends early is told by its answer, not by the broken pipe.
    stdin?.on('error', () => undefined);
    stdout?.on('data', (piece: Buffer) => this.#hear(piece));
    stderr?.on('data', (piece: Buffer) => {
      if (this.#errors.length < MAX_ERRORS) this.#errors += piece.toString('utf8');
    });
    return new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#fail(new CribError('INTERNAL', `start the unpacker: ${error.message}`, { cause: error }));
        resolve();
      });
      this.#child.once('close', (code, signal) => {
        this.#fail(this.#endOf(code, signal));
        resolve();
      });
    });
  }

  #fail(error: CribError): void {
    this.#closeSocket();
    this.#failure ??= error;
    this.#next();
  }

  #endOf(code: number | null, signal: string | null): CribError {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const aborted = signal === 'SIGABRT' || code === 134;
    const message = `unpack a layer: the unpacker ended by ${how}: ${this.#errors.slice(-2000)}`;
    return new CribError(aborted ? 'RESOURCE_EXHAUSTED' : 'INTERNAL', message);
  }

  #hear(piece: Buffer): void {
    this.onAlive();
    this.#heard += piece.length;
    if (this.#heard > MAX_ANSWER) {
      this.kill();
      return;
    }
    const end = piece.lastIndexOf(0x0a);
    this.#partial.push(piece.subarray(0, end < 0 ? piece.length : end));
    if (end < 0) return;
    const lines = Buffer.concat(this.#partial).toString('utf8').split('\n');
    this.#partial = [piece.subarray(end + 1)];
    this.#heard = 0;
    this.#lines.push(...lines.filter((line) => line !== ''));
    this.#next();
  }

  /** What was refused early is told by its answer, whatever became of the process since. */
  #next(): void {
    if (this.#question === undefined) return;
    const line = this.#lines.shift();
    if (line !== undefined) this.#question.resolve(line);
    else if (this.#failure !== undefined) this.#question.reject(this.#failure);
    else return;
    this.#question = undefined;
  }
}

function readAnswer<T>(line: string): T {
  const value = parsed(line);
  if (value.ok === true) return value.report as T;
  const code = ERROR_CODES.find((known): known is ErrorCode => known === value.code);
  throw new CribError(code ?? 'INTERNAL', `${value.message ?? 'unpack a layer: the unpacker gave no answer'}`);
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
