/** Events over kill -9 of the real daemon. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ContainerEventResponse, ContainerEventType } from '../../../cri/api/generated/index.js';
import { type CriClient, connect } from '../../../cri/client.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { containerRequest, podRequest } from '../../support/server.js';

const MAIN = path.resolve(import.meta.dirname, '../../../bundle/cribd.js');
const { CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT } = ContainerEventType;

let node: TestNode;
let listen = '';
let daemon: ChildProcess;
let client: CriClient;

before(async () => {
  node = await startTestNode('10.203.26.0/24', 'cribtestek0');
  // From now on the daemon has these directories.
  await node.node().close();
  listen = `unix://${path.join(node.directory, 'crib.sock')}`;
  const bridge = '[network]\nmode = "bridge"\n[network.bridge]\nname = "cribtestek0"\nsubnets = ["10.203.26.0/24"]\n';
  await fs.writeFile(path.join(node.directory, 'config.toml'), bridge);
  await start();
});

after(async () => {
  await kill();
  await node.restart();
  await node.stop();
});

async function start(): Promise<void> {
  const args = ['serve', '--config', path.join(node.directory, 'config.toml'), '--listen', listen];
  daemon = spawn(process.execPath, [MAIN, ...args, '--root', node.root, '--state', node.state], { stdio: 'ignore' });
  client = connect(listen);
  for (let wait = 0; wait < 200; wait += 1) {
    const answered = await client.runtime.version({}, { timeoutMs: 1000 }).catch(() => undefined);
    if (answered !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the daemon does not answer');
}

async function kill(): Promise<void> {
  client.close();
  const exited = once(daemon, 'exit');
  daemon.kill('SIGKILL');
  await exited;
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
  await kill();
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
  await kill();
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await start();
  const rest = await untilStopped(second);
  const ends = rest.filter(({ containerEventType }) => containerEventType === CONTAINER_STOPPED_EVENT);
  assert.equal(ends.length, 1);
  const exitCodes = ends[0]?.containersStatuses.map(({ id, exitCode }) => (id === second ? exitCode : undefined));
  assert.ok(exitCodes?.includes(5));
  await client.runtime.removePodSandbox({ podSandboxId });
});
