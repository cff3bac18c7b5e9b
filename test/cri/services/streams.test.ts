/** The Stream calls over the real server, with more pods than could be run here. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type CriClient, connect } from '../../../cri/client.js';
import { type RunningServer, startServer } from '../../../cri/server.js';
import { createServices } from '../../../cri/services/services.js';
import type { ImageRecord, ImageStore } from '../../../runtime/images/types.js';
import type { ContainerFilter, ContainerView, PodFilter, PodRuntime, PodView } from '../../../sandbox/types.js';
import { containerConfig, NO_RESOURCES, podConfig } from '../../support/configs.js';
import { recordingLog } from '../../support/log.js';

const MANY = 3000;
const BIG = 'x'.repeat(200_000);

let directory: string;
let server: RunningServer;
let client: CriClient;
/** What the node was asked for. */
const asked: (PodFilter | ContainerFilter)[] = [];
let annotation = 'small';
let metricsYielded = 0;
let metricsEnded = false;

const id = (index: number) => index.toString(16).padStart(64, '0');

function pod(index: number): PodView {
  const config = { ...podConfig(`p${index}`), annotations: { note: annotation } };
  return { id: id(index), config, handler: '', state: 'ready', createdAt: BigInt(index), ips: [] };
}

function container(index: number): ContainerView {
  return {
    ...{
      id: id(index),
      podId: id(index),
      config: { ...containerConfig(`c${index}`), annotations: { note: annotation } },
    },
    ...{ imageId: 'i', imageRef: 'i', state: 'running', createdAt: 1n, startedAt: 2n, finishedAt: 0n, exitCode: 0 },
    ...{ reason: '', message: '', logPath: '', resources: NO_RESOURCES, stopSignal: 'SIGTERM', pid: 1, volumes: [] },
    user: { uid: 0, gid: 0, additionalGids: [] } as unknown as ContainerView['user'],
  };
}

const all = <T>(make: (index: number) => T): T[] => Array.from({ length: MANY }, (_, index) => make(index));
const stats = (view: ContainerView) => ({
  ...{ container: view, cgroup: undefined, nanoCores: undefined, writableLayer: undefined },
});
const podStats = (view: PodView) => ({
  ...{ pod: view, cgroup: undefined, nanoCores: undefined, interfaces: [], containers: [] },
});

const pods = {
  listPods: (filter: PodFilter) => {
    asked.push(filter);
    return all(pod);
  },
  listContainers: (filter: ContainerFilter) => {
    asked.push(filter);
    return all(container);
  },
  listPodStats: async (filter: PodFilter) => {
    asked.push(filter);
    return all(pod).map(podStats);
  },
  listContainerStats: async (filter: ContainerFilter) => {
    asked.push(filter);
    return all(container).map(stats);
  },
  podMetrics: async function* () {
    metricsYielded = 0;
    metricsEnded = false;
    try {
      for (const view of all(pod)) {
        metricsYielded += 1;
        yield {
          stats: podStats({ ...view, id: `${view.id}${BIG}` }),
          cgroupPath: '/p',
          details: undefined,
          containers: [],
        };
      }
    } finally {
      metricsEnded = true;
    }
  },
} as unknown as PodRuntime;

const image = (index: number) =>
  ({
    ...{ id: `sha256:${id(index)}`, tags: [`example.com/i:${index}`], digests: [], size: 1, pinned: false, chain: [] },
    ...{ annotations: {}, run: { user: '' } },
  }) as unknown as ImageRecord;
const images = { list: () => all(image), find: () => undefined } as unknown as ImageStore;

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-streams-'));
  const listen = `unix://${path.join(directory, 'crib.sock')}`;
  const streaming = {} as Parameters<typeof createServices>[0]['streaming'];
  const services = createServices({ pods, images, streaming, version: 'test' });
  server = await startServer({ listen, services, log: recordingLog().log });
  client = connect(listen);
});

after(async () => {
  client.close();
  await server.close(100);
  await fs.rm(directory, { recursive: true });
});

/** Each Stream call, its List twin, and the request that both take. */
const CALLS = [
  {
    name: 'StreamPodSandboxes',
    stream: () => client.runtime.streamPodSandboxes({ filter: { id: 'ab', state: { state: 1 } } }),
    part: (message: object) => Reflect.get(message, 'podSandboxes'),
    list: async () => (await client.runtime.listPodSandbox({})).items,
    filter: { id: 'ab', state: 'not-ready', labels: {} },
  },
  {
    name: 'StreamContainers',
    stream: () => client.runtime.streamContainers({ filter: { podSandboxId: 'ab', labelSelector: { a: 'b' } } }),
    part: (message: object) => Reflect.get(message, 'containers'),
    list: async () => (await client.runtime.listContainers({})).containers,
    filter: { podId: 'ab', labels: { a: 'b' } },
  },
  {
    name: 'StreamContainerStats',
    stream: () => client.runtime.streamContainerStats({ filter: { id: 'ab' } }),
    part: (message: object) => Reflect.get(message, 'containerStats'),
    list: async () => (await client.runtime.listContainerStats({})).stats,
    filter: { id: 'ab', labels: {} },
  },
  {
    name: 'StreamPodSandboxStats',
    stream: () => client.runtime.streamPodSandboxStats({ filter: { labelSelector: { a: 'b' } } }),
    part: (message: object) => Reflect.get(message, 'podSandboxStats'),
    list: async () => (await client.runtime.listPodSandboxStats({})).stats,
    filter: { labels: { a: 'b' } },
  },
  {
    name: 'StreamImages',
    stream: () => client.images.streamImages({}),
    part: (message: object) => Reflect.get(message, 'images'),
    list: async () => (await client.images.listImages({})).images,
    filter: undefined,
  },
];

for (const { name, stream, part, list, filter } of CALLS) {
  test(`${name} sends what its List call does, in order, in several messages, none of them empty`, async () => {
    asked.length = 0;
    const items: unknown[] = [];
    let messages = 0;
    for await (const message of stream()) {
      const found: unknown[] = part(message);
      assert.notEqual(found.length, 0);
      items.push(...found);
      messages += 1;
    }
    if (filter !== undefined) assert.deepEqual(asked, [filter]);
    assert.ok(messages > 1, `${messages} messages`);
    assert.equal(items.length, MANY);
    assert.deepEqual(items, await list());
  });
}

test('what no message could hold goes through a stream', async () => {
  annotation = BIG;
  try {
    await assert.rejects(client.runtime.listContainers({}), { code: 'RESOURCE_EXHAUSTED', message: /Stream/ });
    let count = 0;
    for await (const { containers } of client.runtime.streamContainers({})) count += containers.length;
    assert.equal(count, MANY);
  } finally {
    annotation = 'small';
  }
});

test('a client that does not read holds the stream up, and one that goes ends it', async () => {
  const controller = new AbortController();
  const messages = client.runtime.streamPodSandboxMetrics({}, { signal: controller.signal })[Symbol.asyncIterator]();
  await messages.next();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const held = metricsYielded;
  assert.ok(held < MANY / 4, `${held} of ${MANY} were made`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(metricsYielded, held);
  controller.abort();
  for (let wait = 0; wait < 50 && !metricsEnded; wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(metricsEnded, true);
});
