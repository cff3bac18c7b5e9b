import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { writeNetwork } from '../bench/network.js';
import { command } from '../support/command.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { countAll, leftOf } from '../support/leftovers.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { reboot } from '../support/reboot.js';
import { until } from '../support/until.js';

const NEVER = new AbortController().signal;
const HOST_PORT = 28_123;

/** A pod with a host port and a shared PID namespace, and in it one container that runs, one that ended, one that waits. */
async function makePod(node: TestNode, name: string) {
  const { pods } = node.node();
  const config = podConfig(name);
  const namespaces = { ...config.security.namespaces, pid: 'pod' as const };
  const portMappings = [{ protocol: 'tcp' as const, containerPort: 80, hostPort: HOST_PORT, hostIp: '127.0.0.1' }];
  const pod = await pods.runPod({ ...config, portMappings, security: { ...config.security, namespaces } }, '', NEVER);
  const make = (what: string, script: string) =>
    pods.createContainer(pod, { ...containerConfig(what, node.image), command: ['sh', '-c', script] }, undefined);
  const [runs, ended, waits] = [
    await make('runs', 'sleep 1000'),
    await make('ended', 'exit 3'),
    await make('waits', ''),
  ];
  for (const id of [runs, ended]) await pods.startContainer(id);
  for (let left = 600; pods.containerStatus(ended).state !== 'exited'; left--) {
    assert.ok(left > 0, 'it ends');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { pod, runs, ended, waits };
}

/** Before and after a restart of the machine; then everything is removed, and the same is made once more. */
async function surviveReboot(node: TestNode, bridge: string, reserved: () => Promise<string[]>): Promise<void> {
  const { pod, runs, ended, waits } = await makePod(node, 'before');
  const [ip] = node.node().pods.podStatus(pod).ips;
  assert.ok((await reserved()).includes(ip ?? ''), 'the address is reserved');
  await reboot(node, bridge, async () => {
    const { pods } = node.node();
    assert.equal(pods.podStatus(pod).state, 'not-ready');
    assert.deepEqual(
      pods.listPods({}).map(({ id, state }) => [id, state]),
      [[pod, 'not-ready']],
    );
    const of = (id: string) => {
      const { state, exitCode, reason } = pods.containerStatus(id);
      return { state, exitCode, reason };
    };
    assert.deepEqual(of(runs), { state: 'exited', exitCode: 255, reason: 'Unknown' });
    assert.deepEqual(of(ended), { state: 'exited', exitCode: 3, reason: 'Error' });
    assert.equal(of(waits).state, 'created');
    await assert.rejects(pods.startContainer(waits), { code: 'FAILED_PRECONDITION' });
    // The bridge network keeps an address until the kernel has taken its interface away.
    const released = async () => (await reserved()).length === 0;
    await until(released, 'its address is free, before anybody asks for the removal');
    await pods.removePod(pod);
    assert.deepEqual(pods.listContainers({}), []);
    const again = await makePod(node, 'after');
    assert.equal(pods.podStatus(again.pod).state, 'ready');
    await pods.removePod(again.pod);
    await until(released, 'the address of the next pod is free again');
  });
}

test('after a restart of the machine pods of the own network are not ready, removable, and hold nothing', async () => {
  const bridge = 'cribtestboot';
  const node = await startTestNode('10.203.77.0/24', bridge);
  try {
    await node.node().pods.removePod((await makePod(node, 'warm')).pod);
    const count = () => countAll({ root: node.root, state: node.state, processes: {}, onlyOf: { bridge } });
    const before = await count();
    const records = path.join(node.root, 'network');
    const reserved = async () => {
      const texts = (await fs.readdir(records, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
        .map((entry) => fs.readFile(path.join(entry.parentPath, entry.name), 'utf8'));
      return (await Promise.all(texts)).flatMap((text) => text.match(/10\.203\.77\.(?!0\b|1\b)\d+/g) ?? []);
    };
    await surviveReboot(node, bridge, reserved);
    assert.deepEqual(await leftOf(before, count), []);
  } finally {
    await node.stop();
  }
});

test('after a restart of the machine the addresses of a CNI network are released', async () => {
  let network = { confDir: '', bridge: '', name: '' };
  const node = await startTestNode('10.203.78.0/24', 'cribtestbtc', undefined, async (directory) => {
    network = await writeNetwork(directory, 'r');
    return { network: 'cni', cniConfDir: network.confDir, cniBinDirs: ['/usr/lib/cni'] };
  });
  try {
    const ipam = path.join(node.directory, 'ipam-r', network.name);
    const reserved = async () => (await fs.readdir(ipam).catch(() => [])).filter((name) => /^\d/.test(name));
    await surviveReboot(node, network.bridge, reserved);
    const rules = String(await command('iptables-save', []));
    assert.ok(!rules.includes(network.name), 'no rule of it is left');
  } finally {
    await node.stop();
    await command('ip', ['link', 'delete', network.bridge]).catch(() => undefined);
  }
});
