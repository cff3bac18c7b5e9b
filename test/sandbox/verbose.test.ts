import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { containerInfo, podInfo } from '../../sandbox/verbose.js';
import { fakeNode } from '../support/fake-node.js';

const NAMESPACES = { network: '/ns/net', ipc: 'host', uts: '/ns/uts', pid: 'pod' };

test('a pod shows its namespaces and cgroup where tools look for them, and a process in them', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, {});
  const pod = await addPod({ namespaces: NAMESPACES, cgroup: '/kubepods/pod1' });
  assert.equal((await podInfo(node, pod)).pid, 0, 'nothing runs');
  await addContainer('ended', { state: 'exited', pid: 6 });
  await addContainer('runs', { state: 'running', pid: 7 });
  const { pid, runtimeSpec } = await podInfo(node, pod);
  assert.equal(pid, 7);
  assert.deepEqual((runtimeSpec as { linux: unknown }).linux, {
    cgroupsPath: '/kubepods/pod1',
    namespaces: [
      { type: 'network', path: '/ns/net' },
      { type: 'uts', path: '/ns/uts' },
    ],
  });
  const user = { uids: [], gids: [], path: '/ns/user' };
  pod.record = { ...pod.record, namespaces: { ...NAMESPACES, network: 'host', uts: 'host', user } };
  const { linux } = (await podInfo(node, pod)).runtimeSpec as { linux: { namespaces: unknown } };
  assert.deepEqual(linux.namespaces, [{ type: 'user', path: '/ns/user' }]);
});

test('a container shows its process, pod, specification, and whether it is privileged', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, {});
  await addPod();
  const { record } = await addContainer('c', { state: 'running', pid: 7 });
  const before = await containerInfo(node, record);
  assert.deepEqual([before.runtimeSpec, before.privileged], [null, false], 'no bundle, as after a reboot');
  await fs.mkdir(node.bundle('c'), { recursive: true });
  await fs.writeFile(path.join(node.bundle('c'), 'config.json'), '{"ociVersion":"1"}');
  const security = { ...record.config.security, privileged: true };
  const info = await containerInfo(node, { ...record, config: { ...record.config, security } });
  assert.deepEqual([info.sandboxID, info.pid, info.privileged], ['pod', 7, true]);
  assert.deepEqual(info.runtimeSpec, { ociVersion: '1' });
});
