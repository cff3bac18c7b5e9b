import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnpackerPool } from '../../../runtime/images/unpacker-pool.js';
import { UNPACKER_SCRIPT } from '../../../runtime/images/unpacker-process.js';

test('a process is used again for a layer above those that it has seen, and for no other', async () => {
  const pool = new UnpackerPool(UNPACKER_SCRIPT);
  const first = pool.take(3);
  pool.giveBack(first, 3);
  const below = pool.take(3);
  assert.notEqual(below, first, 'the same layer again: a process that has not seen it');
  assert.equal(pool.take(4), first);
  const more = pool.take(5);
  assert.ok(more !== first && more !== below, 'both are at work');
  pool.giveBack(first, 4);
  pool.drop(first);
  await first.ended;
  const last = pool.take(6);
  assert.notEqual(last, first, 'one that was dropped is not there');
  for (const process of [below, more, last]) pool.drop(process);
});

test('one that was killed, or ended while it was idle, is not used again', async () => {
  const pool = new UnpackerPool(UNPACKER_SCRIPT);
  const [killed, ending] = [pool.take(0), pool.take(1)];
  killed.kill();
  pool.giveBack(killed, 0);
  ending.input.end();
  ending.give({ maxBytes: 1, maxEntries: 1, lowest: true, grows: true }, '/tmp', 0);
  pool.giveBack(ending, 1);
  await ending.ended;
  const next = pool.take(2);
  assert.ok(next !== killed && next !== ending);
  pool.drop(next);
});

test('after the end idle ones are killed, and those at work as soon as they are given back', async () => {
  const pool = new UnpackerPool(UNPACKER_SCRIPT);
  const [idle, working] = [pool.take(0), pool.take(1)];
  pool.giveBack(idle, 0);
  pool.close();
  await idle.ended;
  await assert.rejects(idle.answer(), { code: 'INTERNAL', message: /signal SIGKILL/ });
  pool.giveBack(working, 1);
  await working.ended;
});
