import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfPod } from '../../support/fake-service.js';

const { client, asked } = await startFakeService({
  listPods: () => [viewOfPod(), viewOfPod({ id: 'old', state: 'not-ready', handler: 'crun' })],
});
const filter = { id: 'a', state: { state: 0 }, labelSelector: { app: 'web' } };
const wanted = ['listPods', { id: 'a', state: 'ready', labels: { app: 'web' } }];

test('list and stream give the same, by the same filter', async () => {
  const { items } = await client.runtime.listPodSandbox({ filter });
  const streamed = [];
  for await (const part of client.runtime.streamPodSandboxes({ filter })) streamed.push(...part.podSandboxes);
  assert.deepEqual(streamed, items);
  assert.deepEqual(
    items.map(({ id, state, runtimeHandler }) => [id, state, runtimeHandler]),
    [
      ['pod', 0, 'host'],
      ['old', 1, 'crun'],
    ],
  );
  assert.deepEqual(asked, [wanted, wanted]);
});

test('no filter is all, and a state that there is not is refused', async () => {
  await client.runtime.listPodSandbox({});
  assert.deepEqual(asked.at(-1)?.[1], {});
  await assert.rejects(client.runtime.listPodSandbox({ filter: { state: { state: 9 } } }), refused(/^filter\.state/));
});
