import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachToContainer } from '../../sandbox/container-attach.js';
import type { ContainerRecord } from '../../sandbox/container-record.js';
import type { SessionStreams } from '../../sandbox/streams.js';
import { fakeNode } from '../support/fake-node.js';
import { sessionClient } from '../support/session-client.js';

test('the client’s streams and its end go to the container as it is on record now', async (t) => {
  const given: [ContainerRecord, SessionStreams, AbortSignal][] = [];
  const attach = async (...args: [ContainerRecord, SessionStreams, AbortSignal]) => void given.push(args);
  const { node, addPod, addContainer } = await fakeNode(t, { backend: { attach } });
  await addPod();
  const container = await addContainer('c', { state: 'created' });
  container.record = { ...container.record, state: 'running', pid: 77 };
  const { streams, abort } = sessionClient(['stdin', 'stdout']);
  await attachToContainer(node, 'c', streams, abort.signal);
  assert.equal(given[0]?.[0].pid, 77);
  assert.equal(given[0]?.[1], streams);
  assert.equal(given[0]?.[2], abort.signal);
});

test('one that does not run is refused with its state, and nobody is asked', async (t) => {
  const attach = () => assert.fail('it does not run');
  const { node, addPod, addContainer } = await fakeNode(t, { backend: { attach } });
  await addPod();
  const { streams, abort } = sessionClient(['stdout']);
  for (const state of ['created', 'exited'] as const) {
    await addContainer(state, { state });
    const message = `container ${state} is ${state}; attach needs a running one`;
    await assert.rejects(attachToContainer(node, state, streams, abort.signal), {
      code: 'FAILED_PRECONDITION',
      message,
    });
  }
  await assert.rejects(attachToContainer(node, 'none', streams, abort.signal), { code: 'NOT_FOUND' });
});

test('a container stays with the handler that has started it', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, { backend: { attach: async () => undefined } });
  await addPod();
  await addContainer('c', { runtime: 'gone' });
  const { streams, abort } = sessionClient(['stdout']);
  await assert.rejects(attachToContainer(node, 'c', streams, abort.signal), /"gone"/);
});
