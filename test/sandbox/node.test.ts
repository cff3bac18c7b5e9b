import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Container } from '../../sandbox/container-record.js';
import { Node } from '../../sandbox/node.js';
import { Pod } from '../../sandbox/pod-record.js';
import { NO_RESOURCES } from '../support/configs.js';
import { recordingLog } from '../support/log.js';
import { fakeParts } from '../support/node-parts.js';
import { containerRecord, podRecord } from '../support/records.js';

test('limits that are changed while a container ends do not bring it back to life', async () => {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-node-'));
  try {
    const { log, lines } = recordingLog();
    const node = new Node(fakeParts(root, log, {}));
    const container = new Container(containerRecord('c', 'pod'));
    await node.updateContainer(container, {});
    const resources = { ...NO_RESOURCES, cpuShares: 512 };
    await Promise.all([
      node.updateContainer(container, { resources }),
      node.endContainer(container, { exitCode: 3 }),
      node.updateContainer(container, { resources }),
    ]);
    const { state, exitCode, resources: kept } = container.record;
    assert.deepEqual({ state, exitCode, kept }, { state: 'exited', exitCode: 3, kept: resources });
    const [onDisk] = (await node.containerRecords.load()).records;
    assert.deepEqual([onDisk?.state, onDisk?.exitCode, onDisk?.resources], ['exited', 3, resources]);
    assert.deepEqual(lines, []);
  } finally {
    await fs.rm(root, { recursive: true });
  }
});

test('containers of a pod are told with the newest first, which a kubelet takes for the latest attempt', () => {
  const node = new Node(fakeParts(os.tmpdir(), recordingLog().log, {}));
  const pod = new Pod(podRecord('pod'));
  node.pods.add(pod);
  for (const [id, createdAt] of Object.entries({ first: '1000', third: '3000', second: '2000' })) {
    node.containers.add(new Container(containerRecord(id, 'pod', { createdAt })));
  }
  const ids = node.containersOfSiblings(pod).map(({ id }) => id);
  assert.deepEqual(ids, ['third', 'second', 'first']);
});

test('a change that comes while an object is removed does not bring its record back', async (t) => {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-node-'));
  t.after(() => fs.rm(root, { recursive: true }));
  const node = new Node(fakeParts(root, recordingLog().log, {}));
  const pod = new Pod(podRecord('pod'));
  const container = new Container(containerRecord('c', 'pod'));
  await Promise.all([node.updatePod(pod, () => ({})), node.updateContainer(container, {})]);
  const changes = () => [
    node.updatePod(pod, () => ({ oomKills: 1 })),
    node.updateContainer(container, { message: 'x' }),
  ];
  await Promise.all([node.dropPod(pod), node.dropContainer(container), ...changes()]);
  await Promise.all(changes());
  const left = [await node.podRecords.load(), await node.containerRecords.load()];
  assert.deepEqual(left, [
    { records: [], orphans: [] },
    { records: [], orphans: [] },
  ]);
});
