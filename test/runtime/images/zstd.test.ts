import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { looksLikeZstd, ZstdFilter } from '../../../runtime/images/zstd.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';

const PLAIN = Buffer.alloc(300_000, 'some text ');
const PACKED = execFileSync('zstd', ['-cq'], { input: PLAIN });

test('a frame and all sixteen skippable ones are told by their magic, four bytes or nothing', () => {
  assert.equal(looksLikeZstd(PACKED), true);
  for (let low = 0x50; low <= 0x5f; low++) assert.equal(looksLikeZstd(Buffer.of(low, 0x2a, 0x4d, 0x18)), true);
  for (const head of [PACKED.subarray(0, 3), Buffer.of(0x1f, 0x8b, 8, 0), Buffer.of(0x60, 0x2a, 0x4d, 0x18)]) {
    assert.equal(looksLikeZstd(head), false);
  }
});

/** What comes out of the filter, through a process as the unpacker is one. */
function through(blob: Buffer): { filter: ZstdFilter; out: Promise<Buffer> } {
  const { reader, writer } = makePipe();
  const cat = spawn('cat', [], { stdio: [reader, 'pipe', 'inherit'] });
  const filter = new ZstdFilter(writer);
  for (const end of [reader, writer]) fs.closeSync(end);
  filter.input.write(blob);
  return { filter, out: buffer(cat.stdout ?? assert.fail('it has a stdout')) };
}

test('several frames are one stream', async () => {
  const { filter, out } = through(Buffer.concat([PACKED, PACKED]));
  filter.input.end();
  await filter.done;
  assert.deepEqual(await out, Buffer.concat([PLAIN, PLAIN]));
});

test('what is cut off or damaged is DATA_LOSS, in the words of zstd', async () => {
  const damaged = Buffer.from(PACKED);
  damaged.fill(0xff, 8, 20);
  for (const blob of [PACKED.subarray(0, -5), damaged]) {
    const { filter, out } = through(blob);
    filter.input.end();
    await assert.rejects(filter.done, { code: 'DATA_LOSS', message: /decompress a layer: .*(frame|error|corrupt)/i });
    await out;
  }
});

test('one that is killed is somebody else’s error, and what it fed comes to its end', async () => {
  const { filter, out } = through(PACKED.subarray(0, 10));
  filter.kill();
  await filter.done;
  await out;
});
