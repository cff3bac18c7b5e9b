import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceMissing } from '../../../sandbox/events/announce.js';
import type { EventType } from '../../../sandbox/events/event.js';
import { fakeNode } from '../../support/fake-node.js';

type Known = Record<string, { type: EventType; podId: string }>;
const journal = (known: Known, existed = true) =>
  ({ existed, last: new Map(Object.entries(known)) }) as unknown as Parameters<typeof announceMissing>[1];

test('what the records have come through and the journal does not know, in order', async (t) => {
  const { node, addPod, addContainer, events } = await fakeNode(t, {});
  await addPod();
  await addContainer('made', { state: 'created', pid: 0 });
  await addContainer('runs');
  await addContainer('done', { state: 'exited' });
  await addContainer('never-ran', { state: 'exited', pid: 0 });
  announceMissing(node, journal({ runs: { type: 'created', podId: 'pod' }, done: { type: 'started', podId: 'pod' } }));
  assert.deepEqual(events, [
    'created pod',
    'started pod',
    'created made',
    'started runs',
    'stopped done',
    'created never-ran',
    'stopped never-ran',
  ]);
});

test('what is known is not told again', async (t) => {
  const { node, addPod, addContainer, events } = await fakeNode(t, {});
  await addPod({ state: 'not-ready' });
  await addContainer('done', { state: 'exited' });
  announceMissing(node, journal({ pod: { type: 'stopped', podId: 'pod' }, done: { type: 'stopped', podId: 'pod' } }));
  assert.deepEqual(events, []);
});

test('what the journal knows and nobody has any more is deleted; what is only being made was never there', async (t) => {
  const { node, addPod, events } = await fakeNode(t, {});
  await addPod({ state: 'creating' });
  announceMissing(node, journal({ gone: { type: 'stopped', podId: 'old' } }));
  assert.deepEqual(events, ['deleted gone']);
});

test('the first start of a node with a journal tells nothing of what was there before', async (t) => {
  const { node, addPod, events } = await fakeNode(t, {});
  await addPod();
  announceMissing(node, journal({}, false));
  assert.deepEqual(events, []);
});
