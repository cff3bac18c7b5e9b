import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteSlots } from '../../../runtime/keeper/write-slots.js';

/** Asks for `count` writes on a device; those that have started, in order. */
function ask(slots: WriteSlots, started: string[], device: number, count: number): void {
  for (let i = 0; i < count; i++) slots.acquire(device, () => started.push(`${device}.${i}`));
}

test('a disk that hangs holds four, another goes on; what waits comes in its order as slots are given back', () => {
  const slots = new WriteSlots();
  const started: string[] = [];
  ask(slots, started, 1, 6);
  ask(slots, started, 2, 1);
  assert.deepEqual(started, ['1.0', '1.1', '1.2', '1.3', '2.0']);
  slots.release(2);
  assert.equal(started.length, 5, 'what another disk gives back is not for the one that hangs');
  slots.release(1);
  slots.release(1);
  assert.deepEqual(started.slice(5), ['1.4', '1.5']);
});

test('all disks together hold twelve', () => {
  const slots = new WriteSlots();
  const started: string[] = [];
  for (let device = 1; device <= 5; device++) ask(slots, started, device, 3);
  assert.equal(started.length, 12);
  slots.release(1);
  assert.deepEqual(started.slice(12), ['5.0']);
  for (const device of [2, 3]) slots.release(device);
  assert.equal(started.length, 15);
  for (const device of [1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5]) slots.release(device);
  ask(slots, started, 9, 4);
  assert.equal(started.length, 19, 'all have been given back');
});
