/** On real cgroups. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { preparePodCgroup, releasePodCgroup } from '../../../sandbox/pod/pod-cgroup.js';
import type { PodRecord } from '../../../sandbox/pod-record.js';
import { NO_RESOURCES, podConfig } from '../../support/configs.js';
import { podRecord } from '../../support/records.js';

const MEMORY = 64 << 20;
const cgroups = await createCgroups();
let made = 0;

/** A pod whose cgroup is of no other test, and goes with this one. */
function podOf(t: TestContext, change: Partial<PodRecord> = {}): PodRecord {
  const cgroup = `/crib-pod-cgroup-${process.pid}-${made++}`;
  t.after(async () => {
    await cgroups.kill(cgroup);
    await cgroups.remove(cgroup);
  });
  const config = { ...podConfig(), resources: { ...NO_RESOURCES, memoryLimit: MEMORY, memorySwapLimit: MEMORY } };
  return { ...podRecord('pod'), cgroup, config, ...change };
}

async function sleeper(t: TestContext, cgroup: string): Promise<ChildProcess> {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  await cgroups.attach(cgroup, child.pid ?? -1);
  return child;
}

test('a pod’s own cgroup has its limits, and goes with whatever is in it', async (t) => {
  const pod = podOf(t);
  await preparePodCgroup(cgroups, pod);
  await preparePodCgroup(cgroups, pod);
  assert.equal((await cgroups.stats(pod.cgroup))?.memoryLimit, MEMORY);
  const ended = once(await sleeper(t, pod.cgroup), 'exit');
  await cgroups.create(`${pod.cgroup}/left`);
  await releasePodCgroup(cgroups, pod);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.equal(await cgroups.exists(pod.cgroup), false);
  await releasePodCgroup(cgroups, pod);
});

test('a pod without limits has none', async (t) => {
  const pod = podOf(t, { config: podConfig() });
  await preparePodCgroup(cgroups, pod);
  assert.equal((await cgroups.stats(pod.cgroup))?.memoryLimit, 0);
});

test('the parent that the client named keeps its own limits, its processes and itself', async (t) => {
  const pod = podOf(t, { ownsCgroup: false });
  await preparePodCgroup(cgroups, pod);
  assert.equal((await cgroups.stats(pod.cgroup))?.memoryLimit, 0);
  const child = await sleeper(t, pod.cgroup);
  await releasePodCgroup(cgroups, pod);
  assert.deepEqual(await cgroups.processes(pod.cgroup), [child.pid]);
  assert.equal(child.exitCode ?? child.signalCode, null);
});

test('a limit that the kernel refuses is the caller’s error', async (t) => {
  const resources = { ...NO_RESOURCES, cpusetCpus: '4000' };
  const pod = podOf(t, { config: { ...podConfig(), resources } });
  await assert.rejects(preparePodCgroup(cgroups, pod), { code: 'FAILED_PRECONDITION', message: /cpuset/ });
});
