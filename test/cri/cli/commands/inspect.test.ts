import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from '../../../../cri/cli/commands/inspect.js';
import { containerConfig, NO_RESOURCES, podConfig } from '../../../support/configs.js';
import { startFakeService, viewOfContainer, viewOfPod } from '../../../support/fake-service.js';
import { invocation, printed } from './printed.js';

const [CONTAINER, POD] = ['a'.repeat(64), 'b'.repeat(64)];
const NOW = BigInt(Date.now()) * 1_000_000n;
const resources = { ...NO_RESOURCES, cpuQuota: 150_000, cpuPeriod: 100_000, cpuShares: 512, memoryLimit: 64_000_000 };
const ended = viewOfContainer(CONTAINER, {
  ...{ podId: POD, config: containerConfig('web', 'nginx:1'), state: 'exited', exitCode: 137, reason: 'OOMKilled' },
  ...{ message: 'out of\nmemory', createdAt: NOW, startedAt: NOW, finishedAt: NOW, resources },
  user: { uid: 7, gid: 8, additionalGids: [8, 9], home: '/' },
});
const pod = viewOfPod({
  ...{ id: POD, config: { ...podConfig('mine'), labels: { app: 'web', tier: '\x1b[31mred' } }, createdAt: NOW },
  ...{ ips: ['10.0.0.2', 'fd00::2'], handler: '' },
});
const volume = { containerPath: '/data', hostPath: '/srv', kind: 'bind', route: 'bind', reason: 'because' };
const RUN = { env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };
const record = { id: `sha256:${'c'.repeat(64)}`, tags: ['x.io/app:v1'], digests: [], size: 2000, pinned: true };
const { address } = await startFakeService(
  {
    listContainers: () => [ended],
    listPods: () => [pod],
    containerStatus: () => ended,
    containerInfo: async () => ({ volumes: [{ ...volume, sharedWith: [] }], pid: 5 }),
    podStatus: () => pod,
    podInfo: async () => ({}),
    containersOfPod: () => [ended],
  },
  {
    find: (name: string) =>
      ['x.io/app', record.id].includes(name)
        ? { ...record, run: { ...RUN, user: '1000' }, annotations: {} }
        : undefined,
  },
);

/** The properties by their names, and what comes after them. */
async function shown(t: Parameters<typeof printed>[0], name: string) {
  const { stdout } = await printed(t, () => inspect(invocation(address), name));
  const [head = '', ...tables] = stdout.trimEnd().split('\n\n');
  const lines = head.split('\n').map((line) => line.split(/ {2,}/) as [string, string]);
  return { properties: new Map(lines), tables };
}

test('of a container: how it ended, what it may use, who it is, and where its volumes went', async (t) => {
  const { properties, tables } = await shown(t, 'web');
  assert.equal(properties.get('container'), CONTAINER);
  assert.equal(properties.get('state'), 'exited, exit code 137, OOMKilled: out of memory');
  assert.equal(properties.get('cpu'), 'at most 1.5 cores, 512 shares');
  assert.equal(properties.get('memory'), 'at most 64.0MB');
  assert.match(properties.get('user') ?? '', /^7:8, groups 8 9$|^7:8, groups 9$/);
  assert.match(tables[0] ?? '', /\/data.*bind.*because/);
});

test('of a pod: its addresses and labels on one line each, without what moves a cursor, and its containers', async (t) => {
  const { properties, tables } = await shown(t, 'mine');
  assert.equal(properties.get('addresses'), '10.0.0.2, fd00::2');
  assert.equal(properties.get('labels'), 'app=web, tier= [31mred');
  assert.equal(properties.get('handler'), '(default)');
  assert.match(tables[0] ?? '', new RegExp(`${'a'.repeat(13)} +web +exited`));
});

test('of an image: who it runs as, and that nothing removes it', async (t) => {
  const { properties } = await shown(t, 'x.io/app');
  assert.deepEqual(
    [properties.get('user'), properties.get('pinned'), properties.get('size')],
    ['1000', 'yes', '2.00kB'],
  );
});

test('as JSON all of it is there, what is verbose parsed', async (t) => {
  const { status, info } = JSON.parse((await printed(t, () => inspect(invocation(address, true), CONTAINER))).stdout);
  assert.deepEqual([status.exitCode, info.info.pid], [137, 5]);
});

test('what is none of them is told with where to look', async (t) => {
  const failing = printed(t, () => inspect(invocation(address), 'none'));
  await assert.rejects(failing, { code: 'NOT_FOUND', message: /crib ps -a, crib pods and crib images/ });
});
