/** With the thread's own bundle, as `crib serve` runs it. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { PodThread } from '../../../cri/kubernetes/pod-thread.js';
import { until } from '../../support/until.js';
import { type ApiServer, startApiServer, status } from './api-server.js';

const SCRIPT = path.resolve(import.meta.dirname, '../../../bundle/pod-worker.js');
const LONG_MS = 60_000;
let directory = '';
let server: ApiServer;

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-pod-thread-'));
  server = await startApiServer(directory, (url) => {
    const name = path.basename(url);
    if (name === 'hang') return 'hang';
    if (name === 'broken') return { status: 500, body: status(500, 'etcd is gone') };
    const body = { metadata: { name, uid: `uid-${name}` }, spec: { containers: [], volumes: [] } };
    return { status: 200, body };
  });
});
after(async () => {
  await server.close();
  fs.rmSync(directory, { recursive: true });
});

test('questions at the same time each get their own answer', async () => {
  const thread = new PodThread(SCRIPT, server.kubeconfig);
  const names = ['a', 'b', 'c'];
  const pods = await Promise.all(names.map((name) => thread.read('shop', name, LONG_MS)));
  assert.deepEqual(
    pods.map((pod) => pod?.uids),
    [['uid-a'], ['uid-b'], ['uid-c']],
  );
  await assert.rejects(thread.read('shop', 'broken', LONG_MS), { code: 'UNAVAILABLE', message: /etcd is gone/ });
  thread.close();
});

test('a server that never answers is given up with the thread, and the next question starts another', async () => {
  const thread = new PodThread(SCRIPT, server.kubeconfig);
  await assert.rejects(thread.read('shop', 'hang', 50), {
    code: 'UNAVAILABLE',
    message: 'the API server did not answer in 50 ms',
  });
  assert.equal(thread.running, false);
  assert.deepEqual((await thread.read('shop', 'a', LONG_MS))?.uids, ['uid-a']);
  thread.close();
});

test('the thread goes when nobody asks', async () => {
  const thread = new PodThread(SCRIPT, server.kubeconfig, 1);
  assert.equal(thread.running, false);
  await thread.read('shop', 'a', LONG_MS);
  await until(() => !thread.running, 'the end of the thread');
});

test('a thread that cannot run is an answer too', async () => {
  const thread = new PodThread(path.join(directory, 'none.js'), server.kubeconfig);
  await assert.rejects(thread.read('shop', 'a', LONG_MS), { code: 'UNAVAILABLE' });
});
