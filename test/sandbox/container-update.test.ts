import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import type { OciResources } from '../../runtime/spec/types.js';
import { updateContainer } from '../../sandbox/container-update.js';
import { NO_RESOURCES } from '../support/configs.js';
import { fakeNode } from '../support/fake-node.js';

const HOST = { parts: { host: { cgroupVersion: 2, controllers: [] } } };
const BEFORE = { ...NO_RESOURCES, cpuShares: 512, memoryLimit: 1 << 26, unified: { 'memory.high': '1' } };

test('what the request leaves at zero or empty stays, also in what the cgroup is given', async (t) => {
  const given: OciResources[] = [];
  const update = async (_: unknown, resources: OciResources) => {
    given.push(resources);
  };
  const { node, addPod, addContainer, recorded } = await fakeNode(t, { ...HOST, backend: { update } });
  await addPod();
  await addContainer('c', { resources: BEFORE });
  await updateContainer(node, 'c', { ...NO_RESOURCES, cpuShares: 1024, unified: { 'memory.low': '2' } });
  const { cpuShares, memoryLimit, unified } = (await recorded('c'))?.resources ?? NO_RESOURCES;
  assert.deepEqual([cpuShares, memoryLimit], [1024, 1 << 26]);
  assert.deepEqual(unified, { 'memory.high': '1', 'memory.low': '2' });
  assert.deepEqual(given[0]?.cpu, { shares: 1024 });
  assert.deepEqual(given[0]?.memory, { limit: 1 << 26 });
});

test('a container that is to run gets them in its bundle, which keeps all else', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, HOST);
  await addPod();
  await addContainer('c', { state: 'created' });
  const file = path.join(node.bundle('c'), 'config.json');
  await fs.mkdir(node.bundle('c'), { recursive: true });
  await fs.writeFile(
    file,
    JSON.stringify({ root: { path: 'x' }, linux: { resources: { devices: [1] }, cgroupsPath: 'y' } }),
  );
  await updateContainer(node, 'c', { ...NO_RESOURCES, cpuShares: 100 });
  const spec = JSON.parse(await fs.readFile(file, 'utf8'));
  assert.deepEqual([spec.root, spec.linux.cgroupsPath, spec.linux.resources.devices], [{ path: 'x' }, 'y', [1]]);
  assert.equal(spec.linux.resources.cpu.shares, 100);
  assert.deepEqual(await fs.readdir(node.bundle('c')), ['config.json']);
});

test('a refusal of the kernel leaves the record, and an exited container has nothing to update', async (t) => {
  const update = async () => {
    throw new CribError('INVALID_ARGUMENT', 'memory.max: EINVAL');
  };
  const { node, addPod, addContainer, recorded } = await fakeNode(t, { ...HOST, backend: { update } });
  await addPod();
  await addContainer('c', { resources: BEFORE });
  await addContainer('done', { state: 'exited' });
  const change = { ...NO_RESOURCES, cpuShares: 1024 };
  await assert.rejects(updateContainer(node, 'c', change), {
    message: /^updating the resources of container c: .*EINVAL/,
  });
  assert.equal((await recorded('c'))?.resources.cpuShares, 512);
  await assert.rejects(updateContainer(node, 'done', change), { code: 'FAILED_PRECONDITION', message: /has exited/ });
  await assert.rejects(updateContainer(node, 'none', change), { code: 'NOT_FOUND' });
});
