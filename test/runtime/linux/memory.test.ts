import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { IdleRelease, releaseProgramPages, trimHeap, unchangedMappings } from '../../../runtime/linux/memory.js';

const residentFileKb = () => Number(/^RssFile:\s+(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))?.[1]);

test('the pages of the program go, and come back as they are used', async () => {
  const before = residentFileKb();
  await releaseProgramPages();
  const after = residentFileKb();
  assert.ok(after < before / 2, `${before} kB of files were resident, now ${after}`);
  const text = 'what is called again is there again\n'.repeat(1000);
  assert.equal(zlib.gunzipSync(zlib.gzipSync(text)).toString(), text);
});

test('free memory of the C heap goes back to the kernel', () => {
  const resident = () => Number(/^RssAnon:\s+(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))?.[1]);
  let held: unknown[] = Array.from({ length: 4000 }, () => zlib.createDeflateRaw({ level: 1 }));
  for (const stream of held) (stream as zlib.DeflateRaw).close();
  const last = held.at(-1);
  held = [];
  const before = resident();
  trimHeap();
  assert.ok(resident() < before, `${before} kB, now ${resident()}`);
  assert.ok(last !== undefined);
});

test('released once after the last of what is done, and again after more of it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let released = 0;
  const idle = new IdleRelease(1000, async () => {
    released++;
    throw new Error('it only saves');
  });
  idle.touch();
  t.mock.timers.tick(600);
  idle.touch();
  t.mock.timers.tick(600);
  assert.equal(released, 0);
  t.mock.timers.tick(10_000);
  assert.equal(released, 1);
  idle.touch();
  t.mock.timers.tick(1000);
  assert.equal(released, 2);
});

test('mappings that may be written, were changed, or are no file are left alone', () => {
  const mapping = (head: string, anonymous = 0, locked = 0) =>
    `${head}\nSize: 8 kB\nAnonymous: ${anonymous} kB\nLocked: ${locked} kB\nVmFlags: rd ex\n`;
  const smaps = [
    mapping('00400000-00402000 r-xp 00000000 fe:00 1   /usr/bin/node'),
    mapping('00500000-00502000 r--p 00000000 fe:00 1   /usr/bin/node', 4),
    mapping('00600000-00602000 rw-p 00000000 fe:00 1   /usr/bin/node'),
    mapping('00700000-00702000 r-xs 00000000 fe:00 1   /usr/bin/node'),
    mapping('00800000-00802000 r-xp 00000000 00:00 0 '),
    mapping('00900000-00902000 r-xp 00000000 00:00 0   [vdso]'),
    mapping('00a00000-00a02000 r-xp 00000000 fe:00 1   /usr/bin/node', 0, 8),
    mapping('7f0000000000-7f0000002000 r--p 00000000 fe:00 2   /lib/libc.so.6'),
  ].join('');
  assert.deepEqual(unchangedMappings(smaps), [
    { start: 0x400000, end: 0x402000 },
    { start: 0x7f0000000000, end: 0x7f0000002000 },
  ]);
});
