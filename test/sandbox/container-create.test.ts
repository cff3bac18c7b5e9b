/** What an image may say, and moments of CreateContainer, on a whole node. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ContainerConfig } from '../../runtime/containers/config.js';
import { Records } from '../../runtime/containers/records.js';
import { failWith } from '../../runtime/steps.js';
import { stopSignalOf } from '../../sandbox/container-create.js';
import { isContainerRecord } from '../../sandbox/container-record.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { buildImage } from '../support/images.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import { recordingLog } from '../support/log.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { runscMissing } from '../support/runsc.js';

const NEVER = new AbortController().signal;
let node: TestNode;
let image = '';
let attempt = 0;

before(async () => {
  node = await startTestNode('10.203.92.0/24', 'cribtestcc0');
  image = await pushHostile();
});

after(() => node.stop());

/** An image that declares volumes, some of which would lead out of it, and a signal that there is not. */
async function pushHostile(): Promise<string> {
  const files = await busyboxRootfs();
  const kept = [
    { path: 'kept/file', content: 'from the image', mode: 0o644 },
    { path: 'link', type: 'symlink' as const, target: '../../../../../../kept' },
  ];
  const names = ['/data/db', '/kept', '/link/crib-declared', '/../../crib-declared', '/bin/sh', '/proc/self', '/'];
  const built = await buildImage({
    files: [...files, ...kept],
    config: { Cmd: ['sh'], Volumes: Object.fromEntries(names.map((name) => [name, {}])), StopSignal: 'SIGNOTHING' },
  });
  const [registry = ''] = node.image.split('/');
  await pushImage(registry, 'hostile', 'v1', built);
  const reference = `${registry}/hostile:v1`;
  await node.node().images.pull(reference, {});
  return reference;
}

const RANGE = [{ containerId: 0, hostId: 100_000, length: 65_536 }];
const USER = { uids: RANGE, gids: RANGE };

function config(script: string, security: Partial<ContainerConfig['security']> = {}): ContainerConfig {
  attempt += 1;
  const base = containerConfig(`c${attempt}`, image);
  return { ...base, command: ['sh', '-c', script], security: { ...base.security, ...security } };
}

const WRITES = 'cat /kept/file && touch /data/db/x /kept/y /link/crib-declared/z && ls /crib-declared && touch /w';

for (const [name, handler, user, skip] of [
  ['host', 'host', undefined, false],
  ['host, in a user namespace', 'host', USER, false],
  ['gvisor', 'gvisor', undefined, await runscMissing()],
] as const) {
  const what = 'volumes that an image declares are there and written to, also below a read-only root file system';
  test(`${what}: ${name}`, { skip }, async () => {
    const { pods } = node.node();
    const base = podConfig('declared');
    const namespaces = { ...base.security.namespaces, user };
    const pod = await pods.runPod({ ...base, security: { ...base.security, namespaces } }, handler, NEVER);
    for (const readonlyRootfs of [false, true]) {
      const id = await pods.createContainer(pod, config('exec sleep 1000', { namespaces, readonlyRootfs }), undefined);
      await pods.startContainer(id);
      const { exitCode, stdout, stderr } = await pods.execSync(id, ['sh', '-c', WRITES], 10_000, NEVER);
      assert.deepEqual([exitCode, stdout.toString()], [readonlyRootfs ? 1 : 0, 'from the image'], stderr.toString());
      if (readonlyRootfs) assert.match(stderr.toString(), /^touch: \/w: Read-only file system\n$/);
      await pods.removeContainer(id);
    }
    await pods.removePod(pod);
  });
}

test('a container of an image with a signal that there is not is stopped with SIGTERM; a client is told of its own', async () => {
  assert.equal(stopSignalOf('SIGQUIT', 'SIGNOTHING'), 'SIGQUIT');
  assert.equal(stopSignalOf('', 'SIGINT'), 'SIGINT');
  assert.throws(() => stopSignalOf('SIGNOTHING', 'SIGINT'), { code: 'INVALID_ARGUMENT' });
  const { pods } = node.node();
  const pod = await pods.runPod(podConfig('signal'), '', NEVER);
  const id = await pods.createContainer(pod, config('trap "exit 3" TERM; while :; do sleep 0.1; done'), undefined);
  await pods.startContainer(id);
  await pods.execSync(id, ['sleep', '0.5'], 10_000, NEVER);
  await pods.stopContainer(id, 10_000);
  assert.equal(pods.containerStatus(id).exitCode, 3);
  await pods.removePod(pod);
});

test('a container is recorded by the runtime that runs it, also where its handler leaves the choice', async () => {
  const { pods } = node.node();
  const pod = await pods.runPod(podConfig('recorded'), 'host', NEVER);
  const id = await pods.createContainer(pod, config('exec sleep 1000'), undefined);
  const records = new Records(path.join(node.root, 'containers'), recordingLog().log, isContainerRecord);
  const record = (await records.load()).records.find((one) => one.id === id);
  assert.equal(record?.runtime, process.env.CRIB_TEST_OCI_RUNTIME ?? 'runc');
  await pods.removePod(pod);
});

test('a pod that is stopped while a container of it is recorded has no container afterwards', async (t) => {
  const { pods } = node.node();
  const pod = await pods.runPod(podConfig('stopped'), '', NEVER);
  t.after(() => failWith(undefined));
  failWith(async (step, work) => {
    const done = await work();
    if (step === 'create-container/record') await pods.stopPod(pod);
    return done;
  });
  const creation = pods.createContainer(pod, config('exec sleep 1000'), undefined);
  await assert.rejects(creation, { code: 'FAILED_PRECONDITION', message: /is not-ready, not ready/ });
  failWith(undefined);
  assert.deepEqual(pods.listContainers({ podId: pod }), []);
  await pods.removePod(pod);
});

test('the next attempt of a container is newer than the one before, also when the clock was set back', async (t) => {
  const { pods } = node.node();
  const pod = await pods.runPod(podConfig('clock'), 'host', NEVER);
  const first = await pods.createContainer(pod, config('true'), undefined);
  const real = Date.now;
  t.after(() => {
    Date.now = real;
  });
  Date.now = () => real() - 3_600_000;
  const second = await pods.createContainer(pod, config('true'), undefined);
  Date.now = real;
  assert.ok(pods.containerStatus(second).createdAt > pods.containerStatus(first).createdAt);
  await pods.removePod(pod);
});
