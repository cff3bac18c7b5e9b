/** Statistics and statuses of a real pod, field by field, as a kubelet gets them. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CgroupDriver, ContainerState, type ContainerStats } from '../../../cri/api/generated/index.js';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../support/server.js';

let served: ServedNode;
let pod = '';
let container = '';

before(async () => {
  served = await startServedNode('10.203.25.0/24', 'cribtestst0');
  const { runtime } = served.client;
  pod = (await runtime.runPodSandbox(podRequest('stats'))).podSandboxId;
  const request = containerRequest(pod, 'main', served.node.image, 'dd if=/dev/zero of=/f bs=1M count=4; sleep 1000');
  const { linux } = request.config;
  const groups = { runAsUser: { value: 0n }, runAsGroup: { value: 8n }, supplementalGroups: [9n] };
  const withMount = {
    ...request.config,
    mounts: [{ containerPath: '/mnt', hostPath: served.node.directory, readonly: true }],
    linux: {
      securityContext: { ...linux.securityContext, ...groups },
      resources: { memoryLimitInBytes: 64n << 20n, memorySwapLimitInBytes: 96n << 20n, cpuShares: 512n },
    },
  };
  container = (await runtime.createContainer({ ...request, config: withMount })).containerId;
  await runtime.startContainer({ containerId: container });
  const exited = containerRequest(pod, 'exited', served.node.image, 'true');
  const ended = (await runtime.createContainer(exited)).containerId;
  await runtime.startContainer({ containerId: ended });
  await runtime.execSync({ containerId: container, cmd: ['ping', '-c', '1', '-W', '1', '10.203.25.1'] });
  // Two readings, for the use of the CPU, and a scan of the writable layer.
  await runtime.listPodSandboxStats({});
  await new Promise((resolve) => setTimeout(resolve, 1500));
});

after(() => served.stop());

function checkContainer(stats: ContainerStats | undefined): void {
  assert.ok(stats !== undefined);
  const { attributes, cpu, memory, swap, writableLayer } = stats;
  assert.deepEqual([attributes?.id, attributes?.metadata?.name], [container, 'main']);
  assert.deepEqual([attributes?.labels, attributes?.annotations], [{ part: 'main' }, { note: 'main' }]);
  assert.ok((cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
  assert.ok(cpu?.usageNanoCores !== undefined);
  assert.ok((cpu?.timestamp ?? 0n) > 1_600_000_000_000_000_000n);
  assert.ok((memory?.usageBytes?.value ?? 0n) > 0n);
  assert.ok((memory?.pageFaults?.value ?? 0n) > 0n);
  assert.ok(memory?.rssBytes !== undefined && memory.majorPageFaults !== undefined);
  const working = memory?.workingSetBytes?.value ?? 0n;
  assert.equal(memory?.availableBytes?.value, (64n << 20n) - working);
  assert.equal(swap?.swapUsageBytes?.value, 0n);
  assert.equal(swap?.swapAvailableBytes?.value, 32n << 20n);
  assert.ok((writableLayer?.usedBytes?.value ?? 0n) >= 4n << 20n, `${writableLayer?.usedBytes?.value} bytes`);
  assert.ok((writableLayer?.inodesUsed?.value ?? 0n) >= 2n);
  assert.notEqual(writableLayer?.fsId?.mountpoint, '');
}

test('statistics of a container', async () => {
  const { runtime } = served.client;
  let { stats } = await runtime.containerStats({ containerId: container });
  for (let wait = 0; wait < 60 && (stats?.writableLayer?.usedBytes?.value ?? 0n) < 4n << 20n; wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    ({ stats } = await runtime.containerStats({ containerId: container }));
  }
  checkContainer(stats);
  const { stats: listed } = await runtime.listContainerStats({ filter: { podSandboxId: pod.slice(0, 13) } });
  assert.deepEqual(
    listed.map(({ attributes }) => attributes?.id),
    [container],
  );
  assert.deepEqual((await runtime.listContainerStats({ filter: { labelSelector: { part: 'other' } } })).stats, []);
});

test('statistics of a pod', async () => {
  const { stats } = await served.client.runtime.podSandboxStats({ podSandboxId: pod });
  const { cpu, memory, network, process: processes, containers, io } = stats?.linux ?? {};
  assert.deepEqual([stats?.attributes?.id, stats?.attributes?.labels], [pod, { app: 'stats' }]);
  assert.ok((cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
  assert.ok((memory?.workingSetBytes?.value ?? 0n) > 0n);
  assert.equal(network?.defaultInterface?.name, 'eth0');
  assert.ok((network?.defaultInterface?.txBytes?.value ?? 0n) > 0n);
  assert.deepEqual(network?.interfaces, []);
  assert.ok((processes?.processCount?.value ?? 0n) >= 1n);
  assert.deepEqual(
    containers?.map(({ attributes }) => attributes?.id),
    [container],
  );
  const { version } = await createCgroups();
  if (version === 1) assert.deepEqual([cpu?.psi, memory?.psi, io], [undefined, undefined, undefined]);
  else assert.ok(cpu?.psi?.some !== undefined && io?.psi?.full !== undefined);
});

test('the status of a container says its user, mounts, resources, and what they were changed to', async () => {
  const { runtime } = served.client;
  const { status } = await runtime.containerStatus({ containerId: container });
  assert.equal(status?.state, ContainerState.CONTAINER_RUNNING);
  // 10 is a group that the image's /etc/group puts root in; the policy is to merge.
  assert.deepEqual(status?.user?.linux, { uid: 0n, gid: 8n, supplementalGroups: [8n, 9n, 10n] });
  assert.equal(status?.mounts[0]?.containerPath, '/mnt');
  assert.deepEqual([status?.mounts[0]?.readonly, status?.mounts[0]?.hostPath], [true, served.node.directory]);
  assert.equal(status?.resources?.linux?.memoryLimitInBytes, 64n << 20n);
  assert.ok((status?.startedAt ?? 0n) >= (status?.createdAt ?? 1n));
  await runtime.updateContainerResources({ containerId: container, linux: { memoryLimitInBytes: 80n << 20n } });
  const changed = (await runtime.containerStatus({ containerId: container })).status?.resources?.linux;
  assert.deepEqual([changed?.memoryLimitInBytes, changed?.cpuShares], [80n << 20n, 512n]);
});

test('a pod that owns its cgroup is given new limits, and what a request leaves out stays', async () => {
  const { runtime } = served.client;
  await runtime.updatePodSandboxResources({ podSandboxId: pod, resources: { memoryLimitInBytes: 256n << 20n } });
  const stats = async () => (await runtime.podSandboxStats({ podSandboxId: pod })).stats?.linux?.memory;
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const first = await stats();
  assert.equal((first?.availableBytes?.value ?? 0n) + (first?.workingSetBytes?.value ?? 0n), 256n << 20n);
  await runtime.updatePodSandboxResources({ podSandboxId: pod, overhead: { cpuShares: 10n } });
  const { info } = await runtime.podSandboxStatus({ podSandboxId: pod, verbose: true });
  const { config } = JSON.parse(info.info ?? '{}');
  assert.deepEqual([config.resources.memoryLimit, config.overhead.cpuShares], [256 * 2 ** 20, 10]);
});

test('what the runtime says of itself', async () => {
  const { runtime } = served.client;
  const status = await runtime.status({ verbose: true });
  const conditions = new Map(status.status?.conditions.map((condition) => [condition.type, condition]));
  assert.equal(conditions.get('RuntimeReady')?.status, true);
  assert.equal(conditions.get('NetworkReady')?.status, true);
  const names = status.runtimeHandlers.map(({ name }) => name);
  assert.deepEqual(names.slice(0, 2), ['', 'host']);
  assert.deepEqual(status.runtimeHandlers[0]?.features, status.runtimeHandlers[1]?.features);
  assert.equal(status.features?.supplementalGroupsPolicy, true);
  assert.ok(Object.keys(status.info).length > 0);
  const { linux } = await runtime.runtimeConfig({});
  assert.equal(linux?.cgroupDriver, CgroupDriver.CGROUPFS);
  assert.equal((await runtime.podSandboxStatus({ podSandboxId: pod })).status?.runtimeHandler, '');
});
