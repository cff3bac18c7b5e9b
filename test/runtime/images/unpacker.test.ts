import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { LayerUnpacker, settleLayer } from '../../../runtime/images/unpacker.js';
import { UnpackerPool } from '../../../runtime/images/unpacker-pool.js';
import { UNPACKER_SCRIPT } from '../../../runtime/images/unpacker-process.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';
import { directory, file, tar } from '../../support/tar-writer.js';

const NEVER = new AbortController().signal;
const LIMITS = { maxBytes: 1e7, maxEntries: 100 };
const RAW = tar([directory('d'), file('d/f', 'content')]);

interface Unpacking {
  readonly root: string;
  readonly layer: LayerUnpacker;
  /** Lets the blob grow. */
  readonly write: (chunk: Buffer) => Promise<void>;
}

async function unpacker(t: TestContext): Promise<Unpacking> {
  const pool = new UnpackerPool(UNPACKER_SCRIPT);
  t.after(() => pool.close());
  return unpackerOf(t, pool, 0);
}

async function unpackerOf(t: TestContext, pool: UnpackerPool, index: number): Promise<Unpacking> {
  const base = await temporaryDirectory(t);
  const root = path.join(base, 'fs');
  fs.mkdirSync(root);
  const blob = fs.openSync(path.join(base, 'blob'), 'a+');
  t.after(() => fs.closeSync(blob));
  const layer = new LayerUnpacker(pool, { index, directory: root, ...LIMITS }, blob);
  const write = (chunk: Buffer): Promise<void> => {
    fs.writeSync(blob, chunk);
    return layer.write(chunk);
  };
  return { root, layer, write };
}

test('a layer that comes byte by byte is told by its magic, unpacked and measured', async (t) => {
  for (const blob of [RAW, zlib.gzipSync(RAW), execFileSync('zstd', ['-cq'], { input: RAW })]) {
    const { root, layer, write } = await unpacker(t);
    for (const byte of blob.subarray(0, 6)) await write(Buffer.of(byte));
    await write(blob.subarray(6));
    const report = await layer.finish();
    assert.equal(report.diffId, `sha256:${createHash('sha256').update(RAW).digest('hex')}`);
    assert.deepEqual([report.rawBytes, report.entries, report.pending.implicit], [RAW.length, 2, ['']]);
    assert.equal(fs.readFileSync(path.join(root, 'd/f'), 'utf8'), 'content');
  }
});

test('a layer that is refused early still takes what is written, and says why at the end', async (t) => {
  const { layer, write } = await unpacker(t);
  await write(Buffer.from(tar([file('out'), file('out/x')])));
  for (let i = 0; i < 40; i++) await write(Buffer.alloc(1 << 16));
  await assert.rejects(layer.finish(), { code: 'INVALID_ARGUMENT', message: /"out", which is not a directory/ });
});

test('one that is killed is gone when that returns, again is no error', async (t) => {
  const { layer, write } = await unpacker(t);
  await write(RAW.subarray(0, 600));
  await layer.kill();
  await layer.kill();
  await assert.rejects(layer.finish(), { code: 'INTERNAL', message: /ended by signal SIGKILL/ });
});

test('a layer is unpacked while it grows, before the last of it is there', async (t) => {
  const { root, layer, write } = await unpacker(t);
  const big = tar([file('first', Buffer.alloc(1 << 20, 'x')), file('second', Buffer.alloc(1 << 20, 'y'))]);
  await write(big.subarray(0, 3 << 19));
  while (!fs.existsSync(path.join(root, 'second'))) await sleep(10);
  await write(big.subarray(3 << 19));
  assert.equal((await layer.finish()).entries, 2);
  assert.equal(fs.statSync(path.join(root, 'second')).size, 1 << 20);
});

test('layers of every kind one after the other in one process, each in its own directory', async (t) => {
  const pool = new UnpackerPool(UNPACKER_SCRIPT);
  t.after(() => pool.close());
  const trailed = Buffer.concat([zlib.gzipSync(RAW), Buffer.alloc(3 << 20)]);
  const blobs = [zlib.gzipSync(RAW), execFileSync('zstd', ['-cq'], { input: RAW }), trailed, RAW, Buffer.alloc(0), RAW];
  const before = children();
  const started = new Set<string>();
  for (const [index, blob] of blobs.entries()) {
    const { root, layer, write } = await unpackerOf(t, pool, index);
    for (const child of children().filter((pid) => !before.includes(pid))) started.add(child);
    await write(blob);
    const report = await layer.finish();
    assert.equal(report.entries, blob.length === 0 ? 0 : 2, `layer ${index}`);
    assert.deepEqual(fs.readdirSync(root), blob.length === 0 ? [] : ['d']);
  }
  assert.equal(started.size, 1);
});

/** Ids of the unpackers that this process has now. */
function children(): string[] {
  const text = fs.readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1');
  return text.split(' ').filter((pid) => {
    if (pid === '') return false;
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('"kind":"unpack"');
  });
}

test('settling is a process too, with the same errors', async (t) => {
  const root = await temporaryDirectory(t);
  for (const name of ['1/fs/d', '0/fs/d']) fs.mkdirSync(path.join(root, name), { recursive: true });
  fs.chmodSync(path.join(root, '0/fs/d'), 0o700);
  const task = { directory: root, maxBytes: 1e6, layer: '1/fs', lowers: ['0/fs'] };
  const report = await settleLayer(UNPACKER_SCRIPT, task, { implicit: ['d'], links: [] }, NEVER);
  assert.deepEqual(report, { addedBytes: 0, addedInodes: 0 });
  assert.equal(fs.statSync(path.join(root, '1/fs/d')).mode & 0o777, 0o700);
  const links = [{ path: 'l', target: 'absent' }];
  await assert.rejects(settleLayer(UNPACKER_SCRIPT, task, { implicit: [], links }, NEVER), {
    code: 'INVALID_ARGUMENT',
    message: /no layer has/,
  });
});
