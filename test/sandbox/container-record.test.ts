import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container, containerKey, containerView, isContainerRecord } from '../../sandbox/container-record.js';
import { containerConfig } from '../support/configs.js';
import { retainedBy } from '../support/heap.js';
import { containerRecord } from '../support/records.js';

test('a record of another version, or without what a start needs, is none', () => {
  const record = containerRecord('c', 'pod');
  assert.equal(isContainerRecord(record), true);
  assert.equal(isContainerRecord(JSON.parse(JSON.stringify(record))), true);
  for (const value of [null, 'c', {}, { ...record, version: 2 }, { ...record, config: {} }]) {
    assert.equal(isContainerRecord(value), false);
  }
  for (const field of ['id', 'podId', 'state', 'cgroup', 'createdAt', 'chain', 'config']) {
    assert.equal(isContainerRecord({ ...record, [field]: undefined }), false, field);
  }
});

test('waiting for an exit ends with the exit, at once where it has exited, and in vain after its time', async () => {
  const running = new Container(containerRecord('c', 'pod'));
  assert.equal(await running.waitForExit(1), false);
  const waits = [running.waitForExit(60_000), running.waitForExit(60_000)];
  running.markExited();
  assert.deepEqual(await Promise.all(waits), [true, true]);
  assert.equal(await new Container(containerRecord('c', 'pod', { state: 'exited' })).waitForExit(0), true);
});

test('a view has the times as numbers and nothing of the node', () => {
  const view = containerView(containerRecord('c', 'pod', { createdAt: '1764100000000000001', chain: ['sha256:1'] }));
  assert.equal(view.createdAt, 1764100000000000001n);
  for (const field of ['chain', 'cgroup', 'runtime', 'startTime', 'version']) assert.equal(field in view, false, field);
});

test('the same name is another container in another pod or attempt, and no name runs into its neighbour', () => {
  const config = containerConfig('web');
  const again = { ...config, metadata: { name: 'web', attempt: 1 } };
  assert.equal(containerKey('p', config), containerKey('p', { ...config, args: ['other'] }));
  const keys = [
    containerKey('p', config),
    containerKey('q', config),
    containerKey('p', again),
    containerKey('p,"web"', containerConfig('')),
  ];
  assert.equal(new Set(keys).size, keys.length);
});

test('who has waited for an exit in vain leaves nothing behind', async () => {
  const running = new Container(containerRecord('c', 'pod'));
  const wait = () => Promise.all(Array.from({ length: 1000 }, () => running.waitForExit(0)));
  await wait();
  const retained = await retainedBy(async () => {
    for (let round = 0; round < 20; round += 1) await wait();
  });
  assert.ok(retained < 2_000_000, `${retained} bytes for 20,000 waits`);
  running.markExited();
});
