import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Metric, PodSandboxMetrics } from '../../../cri/api/generated/index.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../support/server.js';

let served: ServedNode;
let pod = '';
let container = '';

before(async () => {
  served = await startServedNode('10.203.22.0/24', 'cribtestpm0');
  pod = (await served.client.runtime.runPodSandbox(podRequest('measured'))).podSandboxId;
  const script = 'exec 5</etc/passwd; x=$(seq 1 200000); sleep 1000 & wait';
  const request = containerRequest(pod, 'main', served.node.image, script);
  request.config.linux = {
    ...request.config.linux,
    ...{ resources: { memoryLimitInBytes: 64n << 20n, cpuPeriod: 100_000n, cpuQuota: 50_000n } },
  };
  container = (await served.client.runtime.createContainer(request)).containerId;
  await served.client.runtime.startContainer({ containerId: container });
  await served.client.runtime.execSync({ containerId: container, cmd: ['ping', '-c', '1', '-W', '1', '10.203.22.1'] });
  await new Promise((resolve) => setTimeout(resolve, 1500));
});

after(() => served.stop());

function findValue(metrics: readonly Metric[], name: string, ...extra: string[]): bigint | undefined {
  const found = metrics.filter((metric) => metric.name === name);
  return found.find(({ labelValues }) => extra.every((label) => labelValues.includes(label)))?.value?.value;
}

async function measured(): Promise<{ ofPod: PodSandboxMetrics; ofContainer: readonly Metric[] }> {
  const { podMetrics } = await served.client.runtime.listPodSandboxMetrics({});
  const ofPod = podMetrics.find(({ podSandboxId }) => podSandboxId === pod);
  assert.ok(ofPod !== undefined);
  const ofContainer = ofPod.containerMetrics.find(({ containerId }) => containerId === container)?.metrics;
  assert.ok(ofContainer !== undefined);
  return { ofPod, ofContainer };
}

test('every metric of a real pod is described, with as many labels as its descriptor has', async () => {
  const { descriptors } = await served.client.runtime.listMetricDescriptors({});
  const keys = new Map(descriptors.map(({ name, labelKeys }) => [name, labelKeys]));
  const { ofPod, ofContainer } = await measured();
  for (const { name, labelValues, timestamp, value } of [...ofPod.metrics, ...ofContainer]) {
    assert.equal(labelValues.length, keys.get(name)?.length, name);
    assert.ok(timestamp > 1_600_000_000_000_000_000n);
    assert.ok(value !== undefined);
  }
  const labels = Object.fromEntries(
    (keys.get('container_memory_rss') ?? []).map((key, index) => [
      key,
      ofContainer.find(({ name }) => name === 'container_memory_rss')?.labelValues[index],
    ]),
  );
  assert.equal(labels.namespace, 'test');
  assert.equal(labels.pod, 'measured');
  assert.equal(labels.container, 'main');
  assert.equal(labels.name, container);
  assert.match(labels.id ?? '', new RegExp(`${container}$`));
});

test('the values are what the container does', async () => {
  const { ofPod, ofContainer } = await measured();
  const value = (name: string, ...extra: string[]) => findValue(ofContainer, name, ...extra);
  assert.equal(value('container_spec_memory_limit_bytes'), 64n << 20n);
  assert.equal(value('container_spec_cpu_quota'), 50_000n);
  assert.equal(value('container_processes'), 2n);
  assert.equal(value('container_threads'), 2n);
  assert.ok((value('container_file_descriptors') ?? 0n) >= 7n);
  assert.equal(value('container_sockets'), 0n);
  assert.ok((value('container_memory_usage_bytes') ?? 0n) > 0n);
  assert.ok((value('container_memory_max_usage_bytes') ?? 0n) >= (value('container_memory_rss') ?? 0n));
  assert.ok((value('container_memory_failures_total', 'pgfault', 'container') ?? 0n) > 0n);
  assert.ok((value('container_cpu_cfs_periods_total') ?? 0n) > 0n);
  assert.ok((value('container_fs_limit_bytes') ?? 0n) > 1n << 20n);
  assert.ok((value('container_start_time_seconds') ?? 0n) > 1_600_000_000n);
  assert.ok((findValue(ofPod.metrics, 'container_network_transmit_bytes_total', 'eth0') ?? 0n) > 0n);
  assert.ok((findValue(ofPod.metrics, 'container_network_receive_packets_total', 'eth0') ?? 0n) > 0n);
  assert.ok((findValue(ofPod.metrics, 'container_memory_usage_bytes') ?? 0n) > 0n);
});

test('the stream has the same pods as the list, and nothing of what does not run', async () => {
  const stopped = (await served.client.runtime.runPodSandbox(podRequest('stopped'))).podSandboxId;
  await served.client.runtime.stopPodSandbox({ podSandboxId: stopped });
  const streamed: string[] = [];
  for await (const { podSandboxMetrics } of served.client.runtime.streamPodSandboxMetrics({})) {
    assert.notEqual(podSandboxMetrics.length, 0);
    streamed.push(...podSandboxMetrics.map(({ podSandboxId }) => podSandboxId));
  }
  const { podMetrics } = await served.client.runtime.listPodSandboxMetrics({});
  assert.deepEqual(streamed, [pod]);
  assert.deepEqual(
    podMetrics.map(({ podSandboxId }) => podSandboxId),
    [pod],
  );
  await served.client.runtime.removePodSandbox({ podSandboxId: stopped });
});

test('a second reads each cgroup once', async () => {
  const timestamps = async () => new Set((await measured()).ofContainer.map(({ timestamp }) => timestamp));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const [first, second] = [await timestamps(), await timestamps()];
  assert.deepEqual(second, first);
});
