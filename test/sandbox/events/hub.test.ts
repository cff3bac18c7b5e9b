import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { RecordedEvent } from '../../../sandbox/events/event.js';
import { EventHub } from '../../../sandbox/events/hub.js';
import { EventJournal } from '../../../sandbox/events/journal.js';
import { recordingLog } from '../../support/log.js';

let directory: string;
const NEVER = new AbortController().signal;
const NOTHING = { pod: undefined, containers: [] };

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-events-'));
});

afterEach(() => fs.rm(directory, { recursive: true }));

async function open(queueLimit?: number, maxBytes?: number) {
  const journal = new EventJournal(path.join(directory, 'journal'), recordingLog().log, maxBytes);
  const hub = new EventHub(journal, queueLimit);
  const state = await hub.open();
  return { hub, state };
}

async function take(events: AsyncGenerator<RecordedEvent>, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const next = await events.next();
    if (next.done !== true) ids.push(next.value.containerId);
  }
  return ids;
}

async function takeAndLeave(hub: EventHub, count: number): Promise<string[]> {
  const subscription = hub.subscribe(NEVER);
  const ids = await take(subscription, count);
  await subscription.return(undefined as never);
  return ids;
}

const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `c${from + index}`);

function publish(hub: EventHub, from: number, to: number): void {
  for (const name of names(from, to)) hub.publish('started', name, 'pod', NOTHING);
}

test('a subscriber that does not read is ended, costs the others nothing, and the next one gets what it left', async () => {
  const { hub } = await open(10);
  const slow = hub.subscribe(NEVER);
  const quick = hub.subscribe(NEVER);
  const first = [take(slow, 1), take(quick, 1)];
  await new Promise((resolve) => setTimeout(resolve, 20));
  publish(hub, 1, 1);
  assert.deepEqual(await Promise.all(first), [['c1'], ['c1']]);
  for (let index = 2; index <= 20; index += 1) {
    publish(hub, index, index);
    assert.deepEqual(await take(quick, 1), [`c${index}`]);
  }
  await assert.rejects(slow.next(), { code: 'RESOURCE_EXHAUSTED' });
  await quick.return(undefined as never);
  publish(hub, 21, 22);
  // c20 was handed out, but nobody came back for more: it may not have arrived.
  assert.deepEqual(await takeAndLeave(hub, 3), ['c20', 'c21', 'c22']);
  await hub.close();
});

test('the only subscriber that falls behind misses nothing when it comes again', async () => {
  const { hub } = await open(10);
  const slow = hub.subscribe(NEVER);
  const first = take(slow, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  publish(hub, 1, 1);
  await first;
  publish(hub, 2, 50);
  await assert.rejects(slow.next(), { code: 'RESOURCE_EXHAUSTED' });
  assert.deepEqual(await takeAndLeave(hub, 49), names(2, 50));
  await hub.close();
});

test('untaken events outlive the process, in order, and their numbers go on', async () => {
  const first = await open();
  publish(first.hub, 1, 5);
  const subscriber = first.hub.subscribe(NEVER);
  await take(subscriber, 3);
  await subscriber.return(undefined as never);
  await first.hub.close();
  const second = await open();
  assert.equal(second.state.existed, true);
  assert.equal(second.state.seq, 5);
  publish(second.hub, 6, 6);
  assert.deepEqual(await takeAndLeave(second.hub, 4), names(3, 6));
  await second.hub.close();
});

test('kept events are bounded, the oldest go first, and the last of each object stays known', async () => {
  const { hub } = await open(undefined, 4096);
  publish(hub, 1, 1000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (let index = 1001; index <= 1200; index += 1) {
    publish(hub, index, index);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await hub.close();
  const again = await open(undefined, 4096);
  assert.equal(again.state.last.size, 1200);
  assert.equal(again.state.seq, 1200);
  const [oldest] = await takeAndLeave(again.hub, 1);
  assert.ok(Number(oldest?.slice(1)) > 1000, `${oldest} is still there`);
  await again.hub.close();
});

test('a subscription ends when its signal fires', async () => {
  const { hub } = await open();
  const controller = new AbortController();
  const next = hub.subscribe(controller.signal).next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(hub.subscribers, 1);
  controller.abort(new Error('gone'));
  await assert.rejects(next, /gone/);
  assert.equal(hub.subscribers, 0);
  await hub.close();
});

test('an onlooker sees what nobody has taken, and leaves it to the subscriber that comes after it', async () => {
  const { hub } = await open();
  publish(hub, 1, 3);
  const onlooker = hub.subscribe(NEVER, true);
  assert.deepEqual(await take(onlooker, 3), names(1, 3));
  const subscriber = hub.subscribe(NEVER);
  assert.deepEqual(await take(subscriber, 3), names(1, 3));
  const next = [take(onlooker, 1), take(subscriber, 1)];
  publish(hub, 4, 4);
  assert.deepEqual(await Promise.all(next), [['c4'], ['c4']]);
  await onlooker.return(undefined as never);
  await subscriber.return(undefined as never);
  publish(hub, 5, 5);
  assert.deepEqual(await takeAndLeave(hub, 2), ['c4', 'c5'], 'the first three are taken; the last one may come twice');
  await hub.close();
});
