/**
 * The unpacker: a process of its own per layer, so that a hostile layer can reach nothing but its own directory, and so
 * that files can be written by plain synchronous calls. `node main.js TASK` (JSON, protocol.ts); the answer is on stdout.
 */

import crypto from 'node:crypto';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { CribError, codeOf, messageOf } from '../../errors.js';
import { armFailpoints } from '../../failpoints.js';
import { errnoName } from '../../linux/libc.js';
import { step } from '../../steps.js';
import { TarReader } from '../tar/reader.js';
import { enterJail } from './jail.js';
import { LayerWriter } from './layer-writer.js';
import type { Pending, SettleReport, UnpackerAnswer, UnpackerTask, UnpackReport, UnpackTask } from './protocol.js';
import { settle } from './settle.js';

/** Bytes that are decompressed at a time, and taken from stdin: on a busy machine each hand-over waits for a processor. */
const CHUNK = 1 << 20;
const INPUT = 1 << 20;
const MAX_PENDING = 256 << 20;

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as UnpackerTask;
  armFailpoints();
  enterJail(task.directory, task.parentPid);
  const report =
    task.kind === 'unpack'
      ? await step('unpack/layer', () => unpack(task))
      : await step('unpack/settle', async () => settle(task, await readPending()));
  answer({ ok: true, report });
}

async function unpack(task: UnpackTask): Promise<UnpackReport> {
  const hash = crypto.createHash('sha256');
  const writer = new LayerWriter(task.maxEntries, task.lowest);
  const reader = new TarReader(writer);
  let rawBytes = 0;
  const take = (chunk: Buffer): void => {
    rawBytes += chunk.length;
    if (rawBytes > task.maxBytes) {
      throw new CribError(
        'RESOURCE_EXHAUSTED',
        `unpack a layer: it is larger than ${task.maxBytes} bytes unpacked, the configured limit`,
      );
    }
    hash.update(chunk);
    reader.write(chunk);
  };
  const input = stdinPieces();
  const head = input.next().value ?? Buffer.alloc(0);
  // Told by its magic (RFC 1952) and not by what the manifest says: registries mix them up.
  if (head[0] === 0x1f && head[1] === 0x8b) await gunzip(head, input, take);
  else for (let piece = head; piece.length > 0; piece = input.next().value ?? Buffer.alloc(0)) take(piece);
  reader.finish();
  return { diffId: `sha256:${hash.digest('hex')}`, rawBytes, ...writer.finish() };
}

/**
 * What comes on stdin, in pieces that hold only until the next is asked for. Read by plain calls: streams cost more than
 * decompressing does. (`process` is not imported here: node:process as a module opens stdin as a stream, which makes it
 * non-blocking.)
 */
function* stdinPieces(): Generator<Buffer, undefined> {
  const buffer = Buffer.allocUnsafe(INPUT);
  for (let length = 0; ; length = 0) {
    for (let read = -1; read !== 0 && length < INPUT; length += read) {
      read = fs.readSync(0, buffer, length, INPUT - length, null);
    }
    if (length === 0) return undefined;
    yield buffer.subarray(0, length);
  }
}

/** The pool decompresses the next chunk while this thread hashes and writes the last one. */
async function gunzip(head: Buffer, rest: Iterator<Buffer>, take: (chunk: Buffer) => void): Promise<void> {
  const unzip = zlib.createGunzip({ chunkSize: CHUNK });
  const feed = (piece: Buffer | undefined): void => {
    if (piece === undefined) unzip.end();
    else unzip.write(piece, (error) => (error ? undefined : feed(rest.next().value)));
  };
  feed(head);
  try {
    for await (const chunk of unzip) take(chunk);
  } catch (error) {
    const damaged = errnoName(error)?.startsWith('Z_') === true;
    if (!damaged) throw error;
    throw new CribError('DATA_LOSS', `decompress a layer: ${messageOf(error)}; the image must be built anew`, {
      cause: error,
    });
  }
}

async function readPending(): Promise<Pending> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of process.stdin) {
    length += (piece as Buffer).length;
    if (length > MAX_PENDING)
      throw new CribError('INTERNAL', 'settle a layer: the list of what is pending is too long');
    pieces.push(piece as Buffer);
  }
  return JSON.parse(Buffer.concat(pieces).toString('utf8')) as Pending;
}

function answer(value: UnpackerAnswer<UnpackReport | SettleReport>): void {
  const bytes = Buffer.from(JSON.stringify(value));
  for (let written = 0; written < bytes.length; ) written += fs.writeSync(1, bytes, written);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  answer({ ok: false, code: codeOf(error), message: messageOf(error) });
  process.exit(1);
}
