import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import type { SandboxBackend } from '../../sandbox/backend.js';
import { Handlers } from '../../sandbox/handlers.js';
import { podKey } from '../../sandbox/pod-record.js';
import { removePod } from '../../sandbox/pod-remove.js';
import { stopPod } from '../../sandbox/pod-stop.js';
import { fakeNode } from '../support/fake-node.js';

test('containers go before their pod; record, directory and name with it; again is no error', async (t) => {
  const { node, addPod, addContainer, events } = await fakeNode(t, {
    keeper: { forget: async () => undefined },
    network: { detach: async () => undefined },
    backend: { release: async () => undefined, clear: async () => undefined },
  });
  const pod = await addPod();
  node.podNames.set(podKey(pod.record.config), { id: Promise.resolve('pod') });
  await addContainer('c', { state: 'exited' });
  await fs.mkdir(path.join(node.podDirectory('pod'), 'ns'), { recursive: true });
  await Promise.all([removePod(node, 'pod'), removePod(node, 'pod')]);
  await removePod(node, 'pod');
  assert.deepEqual(events, ['stopped pod', 'deleted c', 'deleted pod']);
  assert.deepEqual((await node.podRecords.load()).records, []);
  assert.deepEqual((await node.containerRecords.load()).records, []);
  assert.equal(node.podNames.size, 0);
  await assert.rejects(fs.stat(node.podDirectory('pod')), { code: 'ENOENT' });
});

test('a container that cannot go keeps its pod, which the next removal takes', async (t) => {
  let refusals = 1;
  const { node, addPod, addContainer, events } = await fakeNode(t, {
    keeper: { forget: async () => undefined },
    network: { detach: async () => undefined },
    backend: {
      release: async () => undefined,
      clear: async () => {
        if (refusals-- > 0) throw new CribError('UNAVAILABLE', 'busy');
      },
    },
  });
  await addPod();
  await addContainer('c', { state: 'exited' });
  await assert.rejects(removePod(node, 'pod'), { code: 'UNAVAILABLE' });
  assert.equal((await node.podRecords.load()).records.length, 1);
  await removePod(node, 'pod');
  assert.deepEqual(events, ['stopped pod', 'deleted c', 'deleted pod']);
});

test('a pod of a handler that is gone is stopped and removed, with containers of a runtime that is gone', async (t) => {
  const released: string[] = [];
  const leftovers = {
    capabilities: { guest: false },
    beforeDetach: async () => undefined,
    release: async ({ id }: { id: string }) => void released.push(`pod ${id}`),
    clear: async ({ id }: { id: string }) => void released.push(`container ${id}`),
  } as unknown as SandboxBackend;
  const host = { name: 'host', backend: leftovers, detail: '' };
  const { node, addPod, addContainer } = await fakeNode(t, {
    keeper: { forget: async () => undefined },
    network: { detach: async () => undefined },
    parts: { handlers: new Handlers([host], 'host', () => leftovers) },
  });
  await addPod({ handler: 'kata' });
  await addContainer('c', { state: 'exited', runtime: 'kata' });
  await stopPod(node, 'pod');
  await removePod(node, 'pod');
  assert.deepEqual(released, ['pod pod', 'container c']);
  assert.deepEqual((await node.podRecords.load()).records, []);
});
