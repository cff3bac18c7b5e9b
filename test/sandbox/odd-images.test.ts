/** Containers of images that only some tools build so, on a whole node: containerd runs each of them. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { containerConfig, podConfig } from '../support/configs.js';
import { buildImage, type ImageInput } from '../support/images.js';
import { staticBusybox } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import type { TarEntry } from '../support/images-tar.js';
import { startTestNode, type TestNode } from '../support/node.js';

const NEVER = new AbortController().signal;
let node: TestNode;
let pod = '';
let shell: TarEntry;
let count = 0;

before(async () => {
  node = await startTestNode('10.203.93.0/24', 'cribtestodd0');
  shell = { path: 'busybox', content: await fs.readFile(await staticBusybox()), mode: 0o755 };
  pod = await node.node().pods.runPod(podConfig('odd'), '', NEVER);
});

after(() => node.stop());

/** What `script` prints in a container of the image, whose first layer begins with a shell and nothing else. */
async function printed(image: ImageInput, script: string): Promise<string> {
  const { pods, images } = node.node();
  count += 1;
  const [first = [], ...others] = image.layers ?? [];
  const built = await buildImage({ ...image, layers: [[shell, ...(first as readonly TarEntry[])], ...others] });
  const [registry = ''] = node.image.split('/');
  await pushImage(registry, 'odd', `v${count}`, built);
  const reference = `${registry}/odd:v${count}`;
  await images.pull(reference, {});
  const config = { ...containerConfig(`c${count}`, reference), args: ['/busybox', 'sleep', '1000'] };
  const id = await pods.createContainer(pod, config, undefined);
  await pods.startContainer(id);
  const { stdout, stderr } = await pods.execSync(id, ['/busybox', 'sh', '-c', script], 10_000, NEVER);
  assert.equal(stderr.toString(), '');
  await pods.removeContainer(id);
  return stdout.toString();
}

const link = (path: string, target: string): TarEntry => ({ path, type: 'symlink', target });

test('an image of one file and nothing else', async () => {
  const script =
    'for f in /etc/resolv.conf /etc/hosts /etc/hostname /dev/shm /proc/self /sys; do test -e $f || echo $f; done';
  assert.equal(await printed({ layers: [[]] }, `alias test="/busybox test"; ${script}; /busybox id -u`), '0\n');
});

test('symlinks, dangling too, where the pod has its files, and accounts behind one', async () => {
  const files = [
    link('etc', '/nix/etc'),
    link('nix/etc/resolv.conf', '../run/systemd/resolve/stub-resolv.conf'),
    link('nix/etc/hosts', '/nix/store/hosts'),
    link('nix/etc/passwd', '../../nix/store/passwd'),
    link('var/run', '/run'),
    { path: 'nix/store/passwd', content: 'root:x:0:0::/:/\napp:x:1005:1006::/home/app:/busybox\n' },
    { path: 'nix/etc/group', content: 'web:x:77:\nextra:x:88:app\n' },
  ];
  const script =
    '/busybox grep -c nameserver /etc/resolv.conf >/dev/null; /busybox grep -q localhost /etc/hosts && /busybox id -u && /busybox id -G && echo $HOME';
  assert.equal(await printed({ layers: [files], config: { User: 'app' } }, script), '1005\n1006 88\n/home/app\n');
  assert.equal(await printed({ layers: [files], config: { User: 'app:web' } }, '/busybox id -g'), '77\n');
  assert.equal(
    await printed({ layers: [files], config: { User: '1234:77' } }, '/busybox id -u; /busybox id -g'),
    '1234\n77\n',
  );
});

test('a root directory that only its owner may enter, of an archive made in one of mktemp’s', async () => {
  const files: TarEntry[] = [
    { path: './', type: 'dir', mode: 0o700 },
    { path: './data', content: 'read' },
  ];
  assert.equal(await printed({ layers: [files], config: { User: '1000' } }, '/busybox cat /data'), 'read');
});

test('layers that know nothing of each other: a file behind a symlink of a lower layer', async () => {
  const layers = [
    [link('var/run', '/run'), link('lib', 'usr/lib'), { path: 'usr/lib/a', content: 'a' }],
    [{ path: 'var/run/app/file', content: 'file' }],
    [{ path: 'run/other', content: 'other' }],
  ];
  assert.equal(await printed({ layers }, '/busybox cat /var/run/app/file /run/other /lib/a'), 'fileothera');
});

test('a working directory that there is not is made; variables without a value are not set; fields in lower case', async () => {
  const config = {
    WorkingDir: '/srv/app/here',
    Env: ['ODD', 'A=b=c', 'EMPTY=', '=x'],
    env: ['LATER=1'],
    entrypoint: null,
  };
  const script =
    '/busybox pwd; /busybox env | /busybox sort | /busybox grep -v -e ^HOSTNAME -e ^PWD -e ^SHLVL -e ^PATH';
  assert.equal(await printed({ layers: [[]], config }, script), '/srv/app/here\nA=b=c\nEMPTY=\nHOME=/\n');
});
