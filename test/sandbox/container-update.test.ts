import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { CgroupSample } from '../../runtime/cgroups/sampler.js';
import { CribError } from '../../runtime/errors.js';
import type { OciResources } from '../../runtime/spec/types.js';
import { updateContainer } from '../../sandbox/container-update.js';
import type { Node } from '../../sandbox/node.js';
import { NO_RESOURCES } from '../support/configs.js';
import { fakeNode } from '../support/fake-node.js';

const HOST = { parts: { host: { cgroupVersion: 2, controllers: [] } } };
/** What there is of a bundle's specification. */
const SPEC = { root: { path: 'x' }, linux: { resources: { devices: [1] }, cgroupsPath: 'y' } };
const BEFORE = { ...NO_RESOURCES, cpuShares: 512, memoryLimit: 1 << 26, unified: { 'memory.high': '1' } };

async function writeSpec(node: Node, id: string): Promise<void> {
  await fs.mkdir(node.bundle(id), { recursive: true });
  await fs.writeFile(path.join(node.bundle(id), 'config.json'), JSON.stringify(SPEC));
}

async function specOf(node: Node, id: string) {
  return JSON.parse(await fs.readFile(path.join(node.bundle(id), 'config.json'), 'utf8'));
}

test('what the request leaves at zero or empty stays, also in what the cgroup is given', async (t) => {
  const given: OciResources[] = [];
  const update = async (_: unknown, resources: OciResources) => {
    given.push(resources);
  };
  const { node, addPod, addContainer, recorded } = await fakeNode(t, { ...HOST, backend: { update } });
  await addPod();
  await addContainer('c', { resources: BEFORE });
  await writeSpec(node, 'c');
  await updateContainer(node, 'c', { ...NO_RESOURCES, cpuShares: 1024, unified: { 'memory.low': '2' } });
  const { cpuShares, memoryLimit, unified } = (await recorded('c'))?.resources ?? NO_RESOURCES;
  assert.deepEqual([cpuShares, memoryLimit], [1024, 1 << 26]);
  assert.deepEqual(unified, { 'memory.high': '1', 'memory.low': '2' });
  assert.deepEqual(given[0]?.cpu, { shares: 1024 });
  assert.deepEqual(given[0]?.memory, { limit: 1 << 26 });
});

test('the specification of a container that runs, or is to run, has them, and keeps all else', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, { ...HOST, backend: { update: async () => undefined } });
  await addPod();
  for (const state of ['created', 'running'] as const) {
    await addContainer(state, { state });
    await writeSpec(node, state);
    await updateContainer(node, state, { ...NO_RESOURCES, cpuShares: 100 });
    const { root, linux } = await specOf(node, state);
    assert.deepEqual([root, linux.cgroupsPath, linux.resources.devices], [{ path: 'x' }, 'y', [1]], state);
    assert.equal(linux.resources.cpu.shares, 100, state);
    assert.deepEqual(await fs.readdir(node.bundle(state)), ['config.json']);
  }
});

test('of a quota that is to be none the OCI runtime gets neither quota nor period', async (t) => {
  const given: OciResources[] = [];
  const update = async (_: unknown, resources: OciResources) => void given.push(resources);
  const { node, addPod, addContainer } = await fakeNode(t, { ...HOST, backend: { update } });
  await addPod();
  await addContainer('c', { resources: { ...BEFORE, cpuQuota: 20_000, cpuPeriod: 100_000 } });
  await writeSpec(node, 'c');
  await updateContainer(node, 'c', { ...NO_RESOURCES, cpuQuota: -1 });
  assert.deepEqual(given[0]?.cpu, { shares: 512 });
  assert.deepEqual((await specOf(node, 'c')).linux.resources.cpu, { period: 100_000, shares: 512 });
});

test('a memory limit below what is in use is refused, unless the rest may be swapped out', async (t) => {
  let updates = 0;
  const backend = {
    update: async () => {
      updates += 1;
    },
    stats: async () => ({ stats: { memoryRss: 100 << 20 } }) as CgroupSample,
  };
  const { node, addPod, addContainer, recorded } = await fakeNode(t, { ...HOST, backend });
  await addPod();
  await addContainer('c', { resources: { ...NO_RESOURCES, memoryLimit: 200 << 20 } });
  await writeSpec(node, 'c');
  const limit = (memoryLimit: number, change = {}) =>
    updateContainer(node, 'c', { ...NO_RESOURCES, memoryLimit, ...change });
  const message = /memory_limit_in_bytes is 52428800, but it uses 104857600, and would be killed/;
  await assert.rejects(limit(50 << 20), { code: 'FAILED_PRECONDITION', message });
  assert.deepEqual([updates, (await recorded('c'))?.resources.memoryLimit], [0, 200 << 20]);
  await limit(150 << 20);
  await limit(-1);
  await limit(50 << 20, { memorySwapLimit: -1 });
  assert.equal(updates, 3);
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
