/** kill -9 of the real daemon while it makes pods in user namespaces: nothing of them is left after the next start. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { CriClient } from '../../cri/client.js';
import { type Daemon, startDaemon } from '../support/daemon.js';
import { type Counts, countAll, leftOf } from '../support/leftovers.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { containerRequest, podRequest } from '../support/server.js';

const BRIDGE = 'cribtestuk0';
const SUBNET = '10.203.45.0/24';
const KILLS = 12;
const RANGE = [{ containerId: 0, hostId: 400_000, length: 65_536 }];
const NAMESPACES = { pid: 1, usernsOptions: { mode: 0, uids: RANGE, gids: RANGE } };

let node: TestNode;
let daemon: Daemon;
let atStart: Counts;

const count = () => countAll({ root: node.root, state: node.state, processes: {}, onlyOf: { bridge: BRIDGE } });
const restart = async () => {
  daemon = await startDaemon(node, BRIDGE, SUBNET);
};

before(async () => {
  node = await startTestNode(SUBNET, BRIDGE);
  await node.node().close();
  await fs.mkdir(path.join(node.directory, 'volume'), { mode: 0o755 });
  await restart();
  await work(daemon.client, 'warm', 0);
  await removeAll();
  await daemon.kill();
  await restart();
  atStart = await count();
});

after(async () => {
  await daemon.kill();
  await node.restart();
  await node.stop();
});

/** A pod, a container with an id-mapped volume, its start; then the pod's end. */
async function work(client: CriClient, name: string, attempt: number): Promise<void> {
  const request = podRequest(name, `uid-${name}`, attempt);
  const linux = { ...request.config.linux, securityContext: { namespaceOptions: NAMESPACES } };
  const { podSandboxId } = await client.runtime.runPodSandbox({ ...request, config: { ...request.config, linux } });
  const container = containerRequest(podSandboxId, 'c', node.image, 'exec sleep 1000');
  const { containerId } = await client.runtime.createContainer({
    ...container,
    config: {
      ...container.config,
      linux: { securityContext: { namespaceOptions: NAMESPACES } },
      mounts: [
        {
          hostPath: path.join(node.directory, 'volume'),
          containerPath: '/v',
          uidMappings: RANGE,
          gidMappings: RANGE,
        },
      ],
    },
  });
  await client.runtime.startContainer({ containerId });
  await client.runtime.stopPodSandbox({ podSandboxId });
}

async function removeAll(): Promise<void> {
  const { items } = await daemon.client.runtime.listPodSandbox({});
  for (const { id } of items) await daemon.client.runtime.removePodSandbox({ podSandboxId: id });
}

for (let index = 0; index < KILLS; index += 1) {
  const delay = 3 + index * 12;
  test(`killed after ${delay} ms`, async () => {
    const working = [0, 1].map((pod) => work(daemon.client, `pod-${index}-${pod}`, 0).catch(() => undefined));
    await new Promise((resolve) => setTimeout(resolve, delay));
    await daemon.kill();
    await Promise.all(working);
    await restart();
    await removeAll();
    assert.deepEqual(await leftOf(atStart, count), []);
  });
}
