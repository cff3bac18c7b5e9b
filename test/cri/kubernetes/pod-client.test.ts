import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { PodClient, podObjectOf } from '../../../cri/kubernetes/pod-client.js';
import { type ApiServer, startApiServer, status } from './api-server.js';

let directory = '';
let server: ApiServer;
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
  spec: {
    containers: [],
    volumes: [
      { name: 'cache', emptyDir: { sizeLimit: '1.5Gi' } },
      { name: 'fast', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
      { name: 'free', emptyDir: {} },
      { name: 'host', hostPath: { path: '/srv' } },
      { name: 'settings', configMap: { name: 's' } },
    ],
  },
};

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-pod-client-'));
  server = await startApiServer(directory, (url) => {
    if (url === '/api/v1/namespaces/shop/pods/web') return { status: 200, body: POD };
    if (url.endsWith('/forbidden')) return { status: 403, body: status(403, 'pods "forbidden" is forbidden') };
    return { status: 404, body: status(404, 'not found') };
  });
});
after(async () => {
  await server.close();
  fs.rmSync(directory, { recursive: true });
});

test('the volumes of a pod are told with medium and size limit, by TLS and token', async () => {
  const pod = await new PodClient(server.kubeconfig).read('shop', 'web');
  assert.deepEqual(pod, {
    uids: ['u1'],
    volumes: {
      cache: { type: 'emptyDir', emptyDir: { medium: '', sizeLimitBytes: 1.5 * 2 ** 30 } },
      fast: { type: 'emptyDir', emptyDir: { medium: 'Memory', sizeLimitBytes: 64 << 20 } },
      free: { type: 'emptyDir', emptyDir: { medium: '', sizeLimitBytes: undefined } },
      host: { type: 'hostPath', emptyDir: undefined },
      settings: { type: 'configMap', emptyDir: undefined },
    },
  });
});

test('a pod that is not there is none, a refusal is an error', async () => {
  const client = new PodClient(server.kubeconfig);
  assert.equal(await client.read('shop', 'none'), undefined);
  await assert.rejects(client.read('shop', 'forbidden'), /forbidden/);
});

test('a mirror pod has the uid of its static pod too, and a limit of nothing is none', () => {
  const pod = podObjectOf({
    metadata: { uid: 'mirror', annotations: { 'kubernetes.io/config.hash': 'static' } },
    spec: { containers: [], volumes: [{ name: 'v', emptyDir: { sizeLimit: '0' } }] },
  });
  assert.deepEqual(pod.uids, ['mirror', 'static']);
  assert.equal(pod.volumes.v?.emptyDir?.sizeLimitBytes, undefined);
  assert.deepEqual(podObjectOf({}), { uids: [], volumes: {} });
});

test('a kubeconfig that is none is named', () => {
  assert.throws(() => new PodClient('/nonexistent-crib'), {
    code: 'FAILED_PRECONDITION',
    message: /reading kubeconfig \/nonexistent-crib: /,
  });
});
