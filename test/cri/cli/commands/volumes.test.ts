/** `crib volumes` and `crib inspect` beside a pod whose containers share volumes. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createEmptyDir, removePodVolumes } from '../../../../volumes/local.js';
import { crib } from '../../../support/crib.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../../support/server.js';

let served: ServedNode;
let pods = '';

before(async () => {
  served = await startServedNode('10.203.65.0/24', 'cribtestcv1');
  pods = path.join(served.node.directory, 'kubelet/pods');
  const disk = await createEmptyDir(pods, 'uid-web', 'cache', { medium: '' });
  const memory = await createEmptyDir(pods, 'uid-web', 'fast', { medium: 'Memory', sizeLimitBytes: 4 << 20 });
  const data = path.join(served.node.directory, 'data');
  await fs.mkdir(data);
  const { runtime } = served.client;
  const mount = (hostPath: string, containerPath: string, readonly = false) => ({ hostPath, containerPath, readonly });
  for (const [pod, containers] of [
    ['web', { main: [mount(disk, '/cache'), mount(memory, '/fast')], side: [mount(disk, '/in', true)] }],
    ['other', { only: [mount(data, '/data')] }],
  ] as const) {
    const { podSandboxId } = await runtime.runPodSandbox(podRequest(pod));
    for (const [name, mounts] of Object.entries(containers)) {
      const script = name === 'main' ? 'dd if=/dev/zero of=/cache/f bs=1k count=500; sleep 100' : 'sleep 100';
      const { config, ...request } = containerRequest(podSandboxId, name, served.node.image, script);
      const all = name === 'main' ? [...mounts, mount(data, '/data')] : [...mounts];
      const { containerId } = await runtime.createContainer({ ...request, config: { ...config, mounts: all } });
      await runtime.startContainer({ containerId });
    }
  }
  for (
    const deadline = Date.now() + 20_000;
    (await fs.stat(path.join(disk, 'f')).catch(() => undefined))?.size !== 512_000;
  ) {
    assert.ok(Date.now() < deadline, 'the container has written its file');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

after(async () => {
  for (const { id } of (await served.client.runtime.listPodSandbox({})).items) {
    await served.client.runtime.stopPodSandbox({ podSandboxId: id });
  }
  await removePodVolumes(pods, 'uid-web');
  await served.stop();
});

const lines = async (...words: string[]) => {
  const { code, stdout, stderr } = await crib(served, words);
  assert.equal(code, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
};

test('crib volumes POD: each volume once, with size, use and who mounts it', async () => {
  const rows = await lines('volumes', 'web');
  assert.deepEqual(rows[0], ['VOLUME', 'KIND', 'ROUTE', 'DRIVER', 'SIZE', 'USED', 'MOUNTED BY', 'REASON']);
  const row = (name: string) => rows.find(([first]) => first === name);
  const [, kind, route, driver, size, used, mounted, reason] = row('cache') ?? [];
  assert.deepEqual(
    [kind, route, driver, size, mounted],
    ['emptydir', 'bind', 'bind mount', '-', 'main:/cache, side:/in:ro'],
  );
  assert.match(used ?? '', /^5[12]\dkB$/);
  assert.match(reason ?? '', /kubernetes\.io~empty-dir.*shares the host kernel/);
  assert.deepEqual(row('fast')?.slice(1, 7), ['emptydir-memory', 'bind', 'bind mount', '4.19MB', '0B', 'main:/fast']);
  const data = rows.find(([first]) => first?.endsWith('/data'));
  assert.deepEqual(data?.slice(1, 7), ['bind', 'bind', 'bind mount', '-', '-', 'main:/data, pod test/other']);
});

test('crib volumes: of all pods; --json has the same', async () => {
  const rows = await lines('volumes');
  assert.deepEqual(rows[0]?.[0], 'POD');
  assert.deepEqual(new Set(rows.slice(1).map(([pod]) => pod)), new Set(['test/web', 'test/other']));
  const { stdout } = await crib(served, ['volumes', 'web', '--json']);
  const [web] = JSON.parse(stdout) as { pod: { name: string }; volumes: { name: string; sizeLimitBytes?: number }[] }[];
  assert.equal(web?.pod.name, 'web');
  assert.equal(web?.volumes.find(({ name }) => name === 'fast')?.sizeLimitBytes, 4 << 20);
});

test('crib inspect shows them of a pod and of a container', async () => {
  const { stdout: pod } = await crib(served, ['inspect', 'web']);
  assert.match(pod, /^VOLUME +KIND .*\n(.*\n)*cache +emptydir +bind/m);
  const { stdout: container } = await crib(served, ['inspect', 'side']);
  assert.match(
    container,
    /^\/in \(ro\) +emptydir +bind +bind mount +- +5[12]\dkB +main:\/cache +\/.*kubernetes\.io~empty-dir\/cache /m,
  );
});

test('a pod that there is not', async () => {
  const { code, stderr } = await crib(served, ['volumes', 'nobody']);
  assert.equal(code, 1);
  assert.match(stderr, /there is no pod nobody; see crib pods/);
});
