import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAvailable } from '../../../runtime/keeper/output.js';
import { openPassed, passPipe } from '../../../runtime/keeper/passed-pipe.js';
import { PipeWriter } from '../../../runtime/keeper/pipe-writer.js';
import { F } from '../../../runtime/linux/constants.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { fcntl } from '../../../runtime/linux/files.js';

const CHUNK = Buffer.alloc(100_000, 1);

/** A writer, and the other end of its pipe. */
function makeTap(stallMs: number): { tap: PipeWriter; reader: number } {
  const { reader, writer } = makePipe();
  const { stdout } = openPassed({ stdout: passPipe(writer) });
  fs.closeSync(writer);
  fcntl(reader, F.SETFL, fs.constants.O_NONBLOCK);
  return { tap: new PipeWriter(stdout ?? -1, stallMs), reader };
}

const ready = (tap: PipeWriter) => new Promise<void>((resolve) => tap.whenReady(resolve));

test("what does not fit holds its writer until it is taken, and the memory of a write is the caller's again", async () => {
  const { tap, reader } = makeTap(10_000);
  const mine = Buffer.alloc(100_000, 1);
  assert.equal(tap.write(Buffer.from('small')), true);
  assert.equal(tap.write(mine), false);
  mine.fill(2);
  const waiting = ready(tap);
  let taken = readAvailable(reader, 1 << 20);
  await waiting;
  taken = Buffer.concat([taken, readAvailable(reader, 1 << 20)]);
  assert.equal(taken.length, 100_005);
  assert.ok(taken.subarray(5).every((byte) => byte === 1));
  assert.equal(tap.write(Buffer.from('more')), true);
  tap.finish();
  assert.equal(await tap.closed, false);
  assert.equal(readAvailable(reader, 10).toString(), 'more');
  fs.closeSync(reader);
});

test('a client that takes nothing is detached; one that takes little is not', async () => {
  const stuck = makeTap(200);
  stuck.tap.write(CHUNK);
  await ready(stuck.tap);
  assert.equal(await stuck.tap.closed, true);
  fs.closeSync(stuck.reader);

  const slow = makeTap(200);
  let taken = 0;
  slow.tap.write(CHUNK);
  const waiting = ready(slow.tap);
  while (taken < CHUNK.length) {
    taken += readAvailable(slow.reader, 8192).length;
    await sleep(50);
  }
  await waiting;
  assert.equal(taken, CHUNK.length);
  slow.tap.finish();
  assert.equal(await slow.tap.closed, false);
  fs.closeSync(slow.reader);
});

test('where nothing waits for a client any more, its queue is bounded all the same', async () => {
  const { tap, reader } = makeTap(10_000);
  for (let count = 0; count < 100; count += 1) tap.write(CHUNK);
  assert.equal(await tap.closed, false);
  fs.closeSync(reader);
});

test('a client that has gone ends the tap, what was queued is handed over at the end, no descriptor stays', async () => {
  const before = fs.readdirSync('/proc/self/fd').length;
  const gone = makeTap(10_000);
  fs.closeSync(gone.reader);
  assert.equal(gone.tap.write(CHUNK), true);
  await gone.tap.closed;

  const { tap, reader } = makeTap(10_000);
  tap.write(CHUNK);
  tap.finish();
  let taken = 0;
  for (const end = tap.closed.then(() => true); ; ) {
    taken += readAvailable(reader, 1 << 20).length;
    if (await Promise.race([end, sleep(10)])) break;
  }
  taken += readAvailable(reader, 1 << 20).length;
  assert.equal(taken, CHUNK.length);
  fs.closeSync(reader);
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
