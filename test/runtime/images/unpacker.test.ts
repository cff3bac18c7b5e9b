import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import zlib from 'node:zlib';
import { LayerUnpacker, settleLayer, UNPACKER_SCRIPT } from '../../../runtime/images/unpacker.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';
import { directory, file, tar } from '../../support/tar-writer.js';

const NEVER = new AbortController().signal;
const LIMITS = { maxBytes: 1e7, maxEntries: 100, lowest: true };
const RAW = tar([directory('d'), file('d/f', 'content')]);

async function unpacker(t: TestContext, script = UNPACKER_SCRIPT): Promise<{ root: string; layer: LayerUnpacker }> {
  const root = await temporaryDirectory(t);
  return { root, layer: new LayerUnpacker(script, { directory: root, ...LIMITS }) };
}

/** A program in the place of the unpacker. */
async function standIn(t: TestContext, code: string): Promise<string> {
  const script = path.join(await temporaryDirectory(t), 'unpacker.mjs');
  fs.writeFileSync(script, `process.stdin.resume();\n${code}`);
  return script;
}

test('a layer that comes byte by byte is told by its magic, unpacked and measured', async (t) => {
  for (const blob of [RAW, zlib.gzipSync(RAW), execFileSync('zstd', ['-cq'], { input: RAW })]) {
    const { root, layer } = await unpacker(t);
    for (const byte of blob.subarray(0, 6)) await layer.write(Buffer.of(byte));
    await layer.write(blob.subarray(6));
    const report = await layer.finish();
    assert.equal(report.diffId, `sha256:${createHash('sha256').update(RAW).digest('hex')}`);
    assert.deepEqual([report.rawBytes, report.entries, report.pending.implicit], [RAW.length, 2, ['']]);
    assert.equal(fs.readFileSync(path.join(root, 'd/f'), 'utf8'), 'content');
  }
});

test('a layer that is refused early still takes what is written, and says why at the end', async (t) => {
  const { layer } = await unpacker(t);
  await layer.write(Buffer.from(tar([file('out'), file('out/x')])));
  for (let i = 0; i < 40; i++) await layer.write(Buffer.alloc(1 << 16));
  await assert.rejects(layer.finish(), { code: 'INVALID_ARGUMENT', message: /"out", which is not a directory/ });
});

test('one that is killed is gone when that returns, again is no error', async (t) => {
  const { layer } = await unpacker(t);
  await layer.write(RAW.subarray(0, 600));
  await layer.kill();
  await layer.kill();
  await assert.rejects(layer.finish(), { code: 'INTERNAL', message: /ended by signal SIGKILL/ });
});

test('a process that ends without an answer is told by how it ended and what it last said', async (t) => {
  for (const [code, expected] of [
    [`console.error('no idea'); process.exit(3);`, { code: 'INTERNAL', message: /exit code 3: no idea/ }],
    ['process.abort();', { code: 'RESOURCE_EXHAUSTED', message: /SIGABRT/ }],
    [`process.stdout.write('[1]'); process.exitCode = 0; process.stdin.destroy();`, { code: 'INTERNAL' }],
    [
      `process.stdout.write('{"ok":false,"code":"NONSENSE","message":"m"}'); process.stdin.destroy();`,
      { code: 'INTERNAL', message: 'm' },
    ],
  ] as const) {
    const { layer } = await unpacker(t, await standIn(t, code));
    await assert.rejects(layer.finish(), expected, code);
  }
});

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
