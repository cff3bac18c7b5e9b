import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerFilter, ContainerStatsFilter, PodSandboxFilter } from '../../../../cri/api/generated/index.js';
import { type DeepPartial, decodeMessage, encodeMessage, type MessageCodec } from '../../../../cri/api/wire.js';
import { containerFilter, podFilter, podStatsFilter, statsFilter } from '../../../../cri/services/translate/filters.js';

/** As it arrives: every field there. */
const received = <T>(codec: MessageCodec<T>, message: DeepPartial<T>): T =>
  decodeMessage(codec, encodeMessage(codec, message));

test('no filter, and an empty one, select everything', () => {
  for (const filter of [podFilter, containerFilter, statsFilter, podStatsFilter])
    assert.deepEqual(filter(undefined), {});
  assert.deepEqual(podFilter(received(PodSandboxFilter, {})), { labels: {} });
  assert.deepEqual(containerFilter(received(ContainerFilter, {})), { labels: {} });
});

test('each field selects', () => {
  const labelSelector = { app: 'web' };
  const pod = received(PodSandboxFilter, { id: 'abc', state: { state: 1 }, labelSelector });
  assert.deepEqual(podFilter(pod), { id: 'abc', state: 'not-ready', labels: labelSelector });
  const container = { id: 'abc', podSandboxId: 'def', labelSelector };
  const expected = { id: 'abc', podId: 'def', labels: labelSelector };
  assert.deepEqual(statsFilter(received(ContainerStatsFilter, container)), expected);
  const states = [0, 1, 2, 3].map((state) => {
    const filter = received(ContainerFilter, { ...container, state: { state } });
    return containerFilter(filter).state;
  });
  assert.deepEqual(states, ['created', 'running', 'exited', 'unknown']);
});

test('an id that is none, and a state that there is not, are refused by their path', () => {
  const refused = (message: string) => ({ code: 'INVALID_ARGUMENT', message: new RegExp(`^filter\\.${message} `) });
  assert.throws(() => podFilter(received(PodSandboxFilter, { id: '..' })), refused('id'));
  assert.throws(() => podFilter(received(PodSandboxFilter, { state: { state: 2 } })), refused('state.state'));
  assert.throws(() => statsFilter(received(ContainerStatsFilter, { podSandboxId: 'a/b' })), refused('pod_sandbox_id'));
});
