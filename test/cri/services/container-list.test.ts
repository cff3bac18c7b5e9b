import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfContainer } from '../../support/fake-service.js';

const { client, asked } = await startFakeService({
  listContainers: () => [viewOfContainer('a'), viewOfContainer('b', { state: 'exited' })],
});
const filter = { id: 'a', podSandboxId: 'p', state: { state: 1 }, labelSelector: { app: 'web' } };
const wanted = ['listContainers', { id: 'a', podId: 'p', state: 'running', labels: { app: 'web' } }];

test('list and stream give the same, by the same filter', async () => {
  const { containers } = await client.runtime.listContainers({ filter });
  const streamed = [];
  for await (const part of client.runtime.streamContainers({ filter })) streamed.push(...part.containers);
  assert.deepEqual(streamed, containers);
  assert.deepEqual(
    containers.map(({ id, podSandboxId, state }) => [id, podSandboxId, state]),
    [
      ['a', 'pod', 1],
      ['b', 'pod', 2],
    ],
  );
  assert.deepEqual(asked, [wanted, wanted]);
});

test('no filter is all, and a state that there is not is refused by both', async () => {
  await client.runtime.listContainers({});
  assert.deepEqual(asked.at(-1)?.[1], {});
  const strange = { filter: { state: { state: 9 } } };
  await assert.rejects(client.runtime.listContainers(strange), refused(/^filter\.state/));
  const stream = client.runtime.streamContainers(strange)[Symbol.asyncIterator]();
  await assert.rejects(stream.next(), refused(/^filter\.state/));
});
