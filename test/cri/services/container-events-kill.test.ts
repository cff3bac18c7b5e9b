/** Events over kill -9 of the real daemon. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ContainerEventResponse, ContainerEventType } from '../../../cri/api/generated/index.js';
import type { CriClient } from '../../../cri/client.js';
import { type Daemon, startDaemon } from '../../support/daemon.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { containerRequest, podRequest } from '../../support/server.js';

const { CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT } = ContainerEventType;

const BRIDGE = 'cribtestek0';
const SUBNET = '10.203.26.0/24';

let node: TestNode;
let daemon: Daemon;
let client: CriClient;

before(async () => {
  node = await startTestNode(SUBNET, BRIDGE);
  // From now on the daemon has these directories.
  await node.node().close();
  await start();
});

after(async () => {
  await daemon.kill();
  await node.restart();
  await node.stop();
});

async function start(): Promise<void> {
  daemon = await startDaemon(node, BRIDGE, SUBNET);
  client = daemon.client;
}

/** The container's events up to and with its end. */
async function untilStopped(containerId: string): Promise<ContainerEventResponse[]> {
  const seen: ContainerEventResponse[] = [];
  for await (const event of client.runtime.getContainerEvents({}, { timeoutMs: 20_000 })) {
    if (event.containerId !== containerId) continue;
    seen.push(event);
    if (event.containerEventType === CONTAINER_STOPPED_EVENT) return seen;
  }
  throw new Error('the stream ended');
}

async function startContainer(podSandboxId: string, name: string, script: string): Promise<string> {
  const request = containerRequest(podSandboxId, name, node.image, script);
  const { containerId } = await client.runtime.createContainer(request);
  await client.runtime.startContainer({ containerId });
  return containerId;
}

test('nobody listened, the daemon was killed, the container ended without it: all three events come', async () => {
  const { podSandboxId } = await client.runtime.runPodSandbox(podRequest('killed'));
  const containerId = await startContainer(podSandboxId, 'c', 'sleep 1; exit 3');
  await daemon.kill();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await start();
  const events = await untilStopped(containerId);
  const types = events.map(({ containerEventType }) => containerEventType);
  assert.deepEqual(types, [CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT]);
  assert.equal(events[2]?.containersStatuses[0]?.exitCode, 3);
  await client.runtime.removePodSandbox({ podSandboxId });
});

test('a subscriber that comes back after a kill is told of the end once, in order', async () => {
  const { podSandboxId } = await client.runtime.runPodSandbox(podRequest('again'));
  const first = await startContainer(podSandboxId, 'first', 'exit 1');
  const events = untilStopped(first);
  const second = await startContainer(podSandboxId, 'second', 'sleep 2; exit 5');
  await events;
  // The note of what was taken is written a moment later.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await daemon.kill();
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await start();
  const rest = await untilStopped(second);
  const ends = rest.filter(({ containerEventType }) => containerEventType === CONTAINER_STOPPED_EVENT);
  assert.equal(ends.length, 1);
  const exitCodes = ends[0]?.containersStatuses.map(({ id, exitCode }) => (id === second ? exitCode : undefined));
  assert.ok(exitCodes?.includes(5));
  await client.runtime.removePodSandbox({ podSandboxId });
});
