/** Image volumes as a kubelet asks for them: mounted in real pods, held, and gone with their container. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Mount } from '../../cri/api/generated/index.js';
import type { DeepPartial } from '../../cri/api/wire.js';
import { buildImage } from '../support/images.js';
import { pushImage } from '../support/images-push.js';
import { type Counts, countAll, differences, leftOf } from '../support/leftovers.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../support/server.js';

const BRIDGE = 'cribtestiv0';
let served: ServedNode;
let pod = '';
let image = '';
let serial = 0;

const count = (): Promise<Counts> =>
  countAll({ root: served.node.root, state: served.node.state, processes: {}, onlyOf: { bridge: BRIDGE } });
const layers = () => fs.readdir(path.join(served.node.root, 'layers'));

before(async () => {
  served = await startServedNode('10.203.31.0/24', BRIDGE);
  pod = (await served.client.runtime.runPodSandbox(podRequest('volumes'))).podSandboxId;
  image = await pushData();
});

after(() => served.stop());

/** Two layers: the second takes a file of the first away. Two symlinks would lead out if they were followed outside. */
async function pushData(): Promise<string> {
  const first = [
    { path: 'data/script', content: '#!/bin/sh\necho ran\n', mode: 0o755 },
    { path: 'data/gone', content: 'x' },
    { path: 'inside', type: 'symlink' as const, target: '/data' },
    { path: 'absolute', type: 'symlink' as const, target: '/etc' },
    { path: 'climbing', type: 'symlink' as const, target: '../../../../../../etc/passwd' },
  ];
  const built = await buildImage({ layers: [first, [{ path: 'data/.wh.gone' }]] });
  const [registry = ''] = served.node.image.split('/');
  await pushImage(registry, 'data', 'v1', built);
  const reference = `${registry}/data:v1`;
  await served.client.images.pullImage({ image: { image: reference } });
  return reference;
}

async function create(mount: DeepPartial<Mount>, script = 'sleep 1000'): Promise<string> {
  serial += 1;
  const request = containerRequest(pod, `c${serial}`, served.node.image, script);
  const mounts = [{ containerPath: '/volume', readonly: true, image: { image }, ...mount }];
  const config = { ...request.config, mounts };
  return (await served.client.runtime.createContainer({ ...request, config })).containerId;
}

async function run(mount: DeepPartial<Mount>): Promise<string> {
  const containerId = await create(mount);
  await served.client.runtime.startContainer({ containerId });
  return containerId;
}

/** What a shell in the container prints, both streams and the exit code. */
async function shell(containerId: string, script: string): Promise<string> {
  const answer = await served.client.runtime.execSync({ containerId, cmd: ['sh', '-c', `(${script}) 2>&1; echo $?`] });
  return Buffer.from(answer.stdout).toString();
}

const remove = (containerId: string) => served.client.runtime.removeContainer({ containerId });

test('an image is a read-only volume without executables, and its status names it by digest', async () => {
  const id = await run({});
  assert.match(await shell(id, 'cat /volume/data/script'), /echo ran\n0\n$/);
  assert.match(await shell(id, 'ls /volume/data'), /^script\n0\n$/);
  assert.match(await shell(id, 'touch /volume/new'), /Read-only file system\n1\n$/);
  assert.match(await shell(id, '/volume/data/script'), /Permission denied\n126\n$/);
  assert.match(await shell(id, 'mount -o remount,rw /volume; mount | grep /volume'), /ro,.*noexec/);
  const { status } = await served.client.runtime.containerStatus({ containerId: id });
  const [mount] = status?.mounts ?? [];
  assert.match(mount?.image?.image ?? '', /\/data@sha256:[0-9a-f]{64}$/);
  assert.equal(mount?.containerPath, '/volume');
  assert.equal(mount?.readonly, true);
  await remove(id);
});

test('a sub-path is a part of the image, and symlinks stay inside of it', async () => {
  const one = await run({ imageSubPath: 'data' });
  assert.match(await shell(one, 'ls /volume'), /^script\n0\n$/);
  const two = await run({ imageSubPath: 'inside' });
  assert.match(await shell(two, 'ls /volume'), /^script\n0\n$/);
  const file = await run({ imageSubPath: 'inside/script' });
  assert.match(await shell(file, 'cat /volume'), /echo ran\n0\n$/);
  for (const imageSubPath of ['nothing', 'absolute', 'climbing', 'data/script/x']) {
    await assert.rejects(create({ imageSubPath }), {
      code: 'NOT_FOUND',
      message: /ImageVolumeMountFailed.*mounts\[0\].*does not exist/,
    });
  }
  for (const id of [one, two, file]) await remove(id);
});

test('what cannot be meant is refused, naming the field', async () => {
  const refusals: [DeepPartial<Mount>, RegExp][] = [
    [{ readonly: false }, /config\.mounts\[0\]\.readonly/],
    [{ hostPath: '/etc' }, /config\.mounts\[0\]\.host_path/],
    [{ imageSubPath: '../x' }, /config\.mounts\[0\]\.image_sub_path/],
    [{ imageSubPath: '/x' }, /config\.mounts\[0\]\.image_sub_path/],
    [{ image: {}, hostPath: '/etc', imageSubPath: 'x' }, /config\.mounts\[0\]\.image_sub_path/],
  ];
  for (const [mount, message] of refusals) await assert.rejects(create(mount), { code: 'INVALID_ARGUMENT', message });
  await assert.rejects(create({ image: { image: 'no/such:image' } }), {
    code: 'NOT_FOUND',
    message: /ImageVolumeMountFailed.*mounts\[0\]\.image/,
  });
});

test('a volume outlives the removal of its image, and its layers go once its container has gone', async () => {
  const withImage = await layers();
  const id = await run({});
  await served.client.images.removeImage({ image: { image } });
  assert.match(await shell(id, 'cat /volume/data/script'), /echo ran\n0\n$/);
  assert.deepEqual(await layers(), withImage);
  await served.restart();
  assert.match(await shell(id, 'cat /volume/data/script'), /echo ran\n0\n$/);
  await remove(id);
  await served.client.images.removeImage({ image: { image } });
  assert.equal((await layers()).length, withImage.length - 2);
  await served.client.images.pullImage({ image: { image } });
});

test('a container that was not recorded when cribd died leaves no mount', async () => {
  await remove(await run({}));
  const atStart = await count();
  const id = await create({});
  assert.notDeepEqual(differences(atStart, await count()), []);
  await served.restart(() => fs.rm(path.join(served.node.root, 'containers', id, 'state.json')));
  assert.deepEqual(await leftOf(atStart, count), []);
  const failed = create({ imageSubPath: 'nothing' });
  await assert.rejects(failed);
  assert.deepEqual(await leftOf(atStart, count), []);
});
