import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { EventQueue } from '../../../sandbox/events/queue.js';

const NEVER = new AbortController().signal;
const event = (seq: number) =>
  ({ seq, type: 'created', containerId: 'c', podId: 'p', createdAt: '0', pod: undefined, containers: [] }) as const;

test('events come in order, to one who waits and to one who comes later', async () => {
  const queue = new EventQueue(3);
  const waiting = queue.next(NEVER);
  queue.push(event(1));
  queue.push(event(2));
  assert.equal((await waiting).seq, 1);
  assert.equal((await queue.next(NEVER)).seq, 2);
});

test('over its limit it lets go of everything and says so at the next read', async () => {
  const queue = new EventQueue(2);
  for (let seq = 1; seq <= 4; seq += 1) queue.push(event(seq));
  await assert.rejects(queue.next(NEVER), { code: 'RESOURCE_EXHAUSTED' });
});

test('an end wakes the one who waits', async () => {
  const queue = new EventQueue(2);
  const waiting = queue.next(NEVER);
  queue.end(new CribError('UNAVAILABLE', 'over'));
  await assert.rejects(waiting, /over/);
});
