/**
 * The unpacker: a process of its own per layer, so that a hostile layer can reach nothing but its own directory, and so
 * that files can be written by plain synchronous calls. `node main.js TASK` (JSON, protocol.ts); the answer is on stdout.
 */

import crypto from 'node:crypto';
import fs from 'node:fs';
import process from 'node:process';
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { CribError, codeOf, messageOf } from '../../errors.js';
import { TarReader } from '../tar/reader.js';
import { enterJail } from './jail.js';
import { LayerWriter } from './layer-writer.js';
import type { Pending, SettleReport, UnpackerAnswer, UnpackerTask, UnpackReport, UnpackTask } from './protocol.js';
import { settle } from './settle.js';

const CHUNK = 256 << 10;
const MAX_PENDING = 256 << 20;

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as UnpackerTask;
  enterJail(task.directory, task.parentPid);
  const report = task.kind === 'unpack' ? await unpack(task) : settle(task, await readPending());
  answer({ ok: true, report });
}

async function unpack(task: UnpackTask): Promise<UnpackReport> {
  const hash = crypto.createHash('sha256');
  const writer = new LayerWriter(task.maxEntries);
  const reader = new TarReader(writer);
  let rawBytes = 0;
  for await (const chunk of await plain(process.stdin)) {
    rawBytes += chunk.length;
    if (rawBytes > task.maxBytes) {
      throw new CribError(
        'RESOURCE_EXHAUSTED',
        `unpack a layer: it is larger than ${task.maxBytes} bytes unpacked, the configured limit`,
      );
    }
    hash.update(chunk);
    reader.write(chunk);
  }
  reader.finish();
  return { diffId: `sha256:${hash.digest('hex')}`, rawBytes, ...writer.finish() };
}

/** The stream without gzip, told by its magic (RFC 1952) and not by what the manifest says: registries mix them up. */
async function plain(input: Readable): Promise<AsyncIterable<Buffer>> {
  const iterator = input[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  async function* rest() {
    yield head;
    yield* iterator;
  }
  return head[0] === 0x1f && head[1] === 0x8b ? gunzip(rest()) : rest();
}

async function* gunzip(input: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const unzip = zlib.createGunzip({ chunkSize: CHUNK });
  // A failure on either side comes out of the iteration.
  pipeline(Readable.from(input, { objectMode: false }), unzip, () => undefined);
  try {
    yield* unzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof CribError) throw error;
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
