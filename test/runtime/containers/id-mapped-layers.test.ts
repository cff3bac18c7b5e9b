import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openIdMapped, withIdMappedLayers } from '../../../runtime/containers/id-mapped-layers.js';
import { bindMount, mountRootfs, unmountRootfs } from '../../../runtime/containers/rootfs.js';
import { MNT, MS } from '../../../runtime/linux/constants.js';
import { mount, unmount } from '../../../runtime/linux/mounts.js';

const RANGE = [{ containerId: 0, hostId: 70_000, length: 1000 }];
const MAPPINGS = { uids: RANGE, gids: [{ containerId: 0, hostId: 80_000, length: 1000 }] };
let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-idmap-'));
});
afterEach(async () => {
  await unmountRootfs(path.join(directory, 'bundle/rootfs'));
  fs.rmSync(directory, { recursive: true });
});

const mounts = () =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory));

test('an overlay of layers in one directory has the ids of the namespace, and so has what is changed in it', async () => {
  for (const [layer, uid] of [
    ['layers/one/fs', 0],
    ['layers/two/fs', 7],
  ] as const) {
    fs.mkdirSync(path.join(directory, layer), { recursive: true });
    fs.writeFileSync(path.join(directory, layer, `file-${uid}`), 'text');
    fs.chownSync(path.join(directory, layer, `file-${uid}`), uid, uid + 1);
  }
  const layers = ['layers/one/fs', 'layers/two/fs'].map((layer) => path.join(directory, layer));
  const target = path.join(directory, 'bundle/rootfs');
  await mountRootfs(
    layers,
    { upper: path.join(directory, 'upper'), work: path.join(directory, 'work'), target },
    MAPPINGS,
  );
  const owner = (name: string) => [fs.statSync(path.join(target, name)).uid, fs.statSync(path.join(target, name)).gid];
  assert.deepEqual(['', 'file-0', 'file-7'].map(owner), [
    [70_000, 80_000],
    [70_000, 80_001],
    [70_007, 80_008],
  ]);
  fs.appendFileSync(path.join(target, 'file-7'), 'more');
  assert.deepEqual(owner('file-7'), [70_007, 80_008]);
  assert.equal(fs.statSync(path.join(directory, 'upper/file-7')).uid, 70_007);
  assert.equal(fs.readFileSync(path.join(directory, 'layers/two/fs/file-7'), 'utf8'), 'text');
  assert.equal(mounts().length, 1, 'only the overlay is left');
  assert.ok(!fs.existsSync(path.join(directory, 'bundle/layers')));
});

test('on a shared mount, what is mounted beside the layers stays when they are unmounted', () => {
  // As on a host with systemd, where every mount is shared.
  bindMount(directory, directory);
  mount('', directory, '', MS.SHARED);
  try {
    const layer = path.join(directory, 'layer');
    const beside = path.join(directory, 'beside');
    for (const name of [layer, beside]) fs.mkdirSync(name);
    withIdMappedLayers([layer], MAPPINGS, path.join(directory, 'mapped'), () => mount('tmpfs', beside, 'tmpfs', 0));
    assert.deepEqual(
      mounts().map((line) => line.split(' ')[4]),
      [directory, beside],
    );
  } finally {
    unmount(directory, MNT.DETACH);
  }
});

test('a file system that cannot be id-mapped is refused with the reason', () => {
  assert.throws(() => openIdMapped('/proc', MAPPINGS), {
    code: 'FAILED_PRECONDITION',
    message: /id-mapping \/proc: this kernel cannot id-map its file system/,
  });
});
