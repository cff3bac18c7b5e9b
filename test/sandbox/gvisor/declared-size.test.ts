/** The size limit that a Pod object declares, from a (stand-in for a) cluster's API to the sandbox's own disk. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createEmptyDir, removePodVolumes } from '../../../volumes/local.js';
import { type ApiServer, startApiServer, status } from '../../cri/kubernetes/api-server.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { runscMissing } from '../../support/runsc.js';
import { mountOf } from '../../volumes/fixture.js';

const skip = await runscMissing();
const NEVER = new AbortController().signal;
let node: TestNode;
let server: ApiServer;
let directory = '';

const emptyDir = (uid: string) => createEmptyDir(path.join(node.root, 'local-pods'), uid, 'cache', { medium: '' });

before(async () => {
  if (skip !== false) return;
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-declared-'));
  server = await startApiServer(directory, (url) => {
    if (path.basename(url) !== 'declared') return { status: 404, body: status(404, 'not found') };
    const volumes = [{ name: 'cache', emptyDir: { sizeLimit: '48Mi' } }];
    return { status: 200, body: { metadata: { uid: 'uid-declared' }, spec: { containers: [], volumes } } };
  });
  node = await startTestNode('10.203.67.0/24', 'cribtestgvd0', undefined, () => ({ kubeconfig: server.kubeconfig }));
});
after(async () => {
  if (skip !== false) return;
  for (const { id } of node.node().pods.listPods({})) await node.node().pods.removePod(id);
  for (const uid of ['uid-declared', 'uid-unknown']) await removePodVolumes(path.join(node.root, 'local-pods'), uid);
  await node.stop();
  await server.close();
  fs.rmSync(directory, { recursive: true });
});

/** Runs a pod that mounts its emptyDir at /cache; returns the container and how large it is in there, in KiB. */
async function sizeInside(name: string) {
  const { pods } = node.node();
  const volume = await emptyDir(`uid-${name}`);
  const podId = await pods.runPod(podConfig(name), 'gvisor', NEVER);
  const config = {
    ...containerConfig('main', node.image),
    command: ['sleep', '1000'],
    mounts: [mountOf(volume, '/cache')],
  };
  const id = await pods.createContainer(podId, config, undefined);
  await pods.startContainer(id);
  const { stdout } = await pods.execSync(id, ['df', '-k', '/cache'], 30_000, NEVER);
  return {
    view: pods.containerStatus(id).volumes[0],
    kib: Number(stdout.toString().trim().split('\n').at(-1)?.split(/\s+/)[1]),
  };
}

test('the declared limit is the size in the sandbox, and is shown', { skip }, async () => {
  const { view, kib } = await sizeInside('declared');
  assert.deepEqual([view?.route, view?.sizeLimitBytes, kib], ['guest-local', 48 << 20, 48 << 10]);
  assert.deepEqual(server.asked, ['/api/v1/namespaces/test/pods/declared'], 'asked once, and only for this pod');
});

test('a pod that the cluster does not know goes by what the host says', { skip }, async () => {
  const { view, kib } = await sizeInside('unknown');
  assert.deepEqual([view?.route, view?.sizeLimitBytes], ['guest-local', undefined]);
  assert.notEqual(kib, 48 << 10);
});
