import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { requireReady, stopPod } from '../../sandbox/pod-stop.js';
import { fakeNode } from '../support/fake-node.js';

test('the order is processes, network, namespaces; a second stop does nothing', async (t) => {
  const order: string[] = [];
  const { node, addPod, addContainer, events } = await fakeNode(t, {
    keeper: {
      signal: async (id) => {
        order.push(`kill ${id}`);
        node.containers.get(id).markExited();
      },
      killAll: async () => undefined,
    },
    network: { detach: async () => void order.push('detach') },
    backend: { release: async () => void order.push('release') },
  });
  const pod = await addPod();
  await addContainer('c');
  await Promise.all([stopPod(node, 'pod'), stopPod(node, 'pod')]);
  await stopPod(node, 'none');
  assert.deepEqual(order, ['kill c', 'detach', 'release']);
  assert.deepEqual(events, ['stopped pod']);
  assert.equal(pod.record.state, 'not-ready');
});

test('a stop that fails half way is on disk as one, refuses containers, and goes on when it is asked again', async (t) => {
  let failures = 1;
  const released: string[] = [];
  const { node, addPod } = await fakeNode(t, {
    network: {
      detach: async () => {
        if (failures-- > 0) throw new CribError('UNAVAILABLE', 'the plugin failed');
      },
    },
    backend: { release: async () => void released.push('pod') },
  });
  const pod = await addPod();
  requireReady(pod);
  await assert.rejects(stopPod(node, 'pod'), { code: 'UNAVAILABLE' });
  assert.equal((await node.podRecords.load()).records[0]?.state, 'stopping');
  assert.throws(() => requireReady(pod), { code: 'FAILED_PRECONDITION', message: /pod is stopping, not ready/ });
  assert.deepEqual(released, []);
  await stopPod(node, 'pod');
  assert.equal((await node.podRecords.load()).records[0]?.state, 'not-ready');
  assert.deepEqual(released, ['pod']);
});
