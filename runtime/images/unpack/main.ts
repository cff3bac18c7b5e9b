/**
 * The unpacker: a process of its own, so that a hostile layer can reach nothing but its own directory, and so that files
 * can be written by plain synchronous calls. `node main.js TASK` (JSON, protocol.ts); answers are on stdout.
 *
 * It takes several layers of one image, one after the other and the lower ones first, and goes from one layer's
 * directory to that of the next, out of which it cannot. A layer that could do more than the code here lets it do would
 * reach only those above it, which it is part of: their chain ids are made of its own.
 */

import crypto from 'node:crypto';
import fs from 'node:fs';
import { CribError, codeOf, messageOf } from '../../errors.js';
import { armFailpoints } from '../../failpoints.js';
import { receiveDescriptors } from '../../linux/sockets.js';
import { step } from '../../steps.js';
import { TarReader } from '../tar/reader.js';
import { gunzip } from './gunzip.js';
import { growingPieces, ProgressReader, streamPieces } from './input.js';
import { enterJail, enterOpenJail, enterTree } from './jail.js';
import { LayerWriter } from './layer-writer.js';
import {
  LAYER_SOCKET,
  type LayerTask,
  type Pending,
  type SettleReport,
  type UnpackerAnswer,
  type UnpackerTask,
  type UnpackReport,
} from './protocol.js';
import { settle } from './settle.js';

const MAX_PENDING = 256 << 20;
/** How often it says that it is at work. */
const ALIVE_MS = 10_000;

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '{}') as UnpackerTask;
  armFailpoints();
  if (task.kind === 'settle') {
    enterJail(task.directory, task.parentPid);
    const report = await step('unpack/settle', async () => settle(task, await readPending()));
    return answer({ ok: true, report });
  }
  enterOpenJail(task.parentPid);
  const progress = new ProgressReader(0);
  for (let layer = nextLayer(); layer !== undefined; layer = nextLayer()) {
    const { task, tree, source } = layer;
    enterTree(tree);
    const pieces = task.grows ? growingPieces(source, () => progress.next()) : streamPieces(source);
    const report = await step('unpack/layer', () => unpack(task, pieces));
    fs.closeSync(source);
    fs.closeSync(tree);
    answer({ ok: true, report });
  }
}

/** Waits for the next layer; undefined: there is none. */
function nextLayer(): { task: LayerTask; tree: number; source: number } | undefined {
  const message = receiveDescriptors(LAYER_SOCKET);
  if (message === undefined || message.data.length === 0) return undefined;
  const [tree, source] = message.descriptors;
  if (tree === undefined || source === undefined) throw new Error('a layer came without its directory or its bytes');
  return { task: JSON.parse(message.data.toString('utf8')) as LayerTask, tree, source };
}

async function unpack(task: LayerTask, input: Iterator<Buffer, undefined>): Promise<UnpackReport> {
  const hash = crypto.createHash('sha256');
  const writer = new LayerWriter(task.maxEntries, task.lowest);
  const reader = new TarReader(writer);
  let rawBytes = 0;
  let said = Date.now();
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
    if (Date.now() - said < ALIVE_MS) return;
    said = Date.now();
    writeOut('\n');
  };
  const head = input.next().value ?? Buffer.alloc(0);
  // Told by its magic (RFC 1952) and not by what the manifest says: registries mix them up.
  if (head[0] === 0x1f && head[1] === 0x8b) await gunzip(head, input, take);
  else for (let piece: Buffer | undefined = head; piece !== undefined; piece = input.next().value) take(piece);
  while (input.next().done !== true); // what follows the end of a gzip stream
  reader.finish();
  return { diffId: `sha256:${hash.digest('hex')}`, rawBytes, ...writer.finish() };
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
  writeOut(`${JSON.stringify(value)}\n`);
}

function writeOut(text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += fs.writeSync(1, bytes, written);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    answer({ ok: false, code: codeOf(error), message: messageOf(error) });
    process.exit(1);
  },
);
