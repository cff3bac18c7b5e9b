import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeBehindSymlinks } from '../../volumes/mount-points.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
let rootfs = '';
before(() => {
  root = makeTemporary();
  rootfs = path.join(root, 'rootfs');
  fs.mkdirSync(path.join(rootfs, 'etc'), { recursive: true });
  fs.mkdirSync(path.join(rootfs, 'var'));
  fs.mkdirSync(path.join(root, 'directory'));
  for (const name of ['file', 'rootfs/plain']) fs.writeFileSync(path.join(root, name), 'content');
  for (const [link, target] of [
    ['etc/resolv.conf', '../run/systemd/resolve/stub-resolv.conf'],
    ['etc/hosts', '/nix/./hosts'],
    ['out', '../../../../../../crib-outside'],
    ['var/run', '/run'],
    ['twice', 'out/x'],
    ['loop', 'loop'],
    ['blocked', 'plain/x'],
    ['there', 'plain'],
  ] as const) {
    fs.symlinkSync(target, path.join(rootfs, link));
  }
});
after(() => removeTemporary(root));

const made = (name: string, destinations: readonly string[], mappings?: Parameters<typeof makeBehindSymlinks>[2]) => {
  const mounts = destinations.map((destination) => ({
    destination,
    source: path.join(root, name),
    type: name === '' ? 'tmpfs' : 'bind',
    options: [],
  }));
  return makeBehindSymlinks(rootfs, mounts, mappings);
};
const kind = (name: string) => {
  const stat = fs.lstatSync(path.join(rootfs, name), { throwIfNoEntry: false });
  return stat?.isDirectory() ? 'directory' : stat?.isFile() ? 'file' : stat?.isSymbolicLink() ? 'symlink' : undefined;
};

test('what a symlink leads to is made inside of the root file system: a file for a file, else a directory', async () => {
  await made('file', ['/etc/resolv.conf', '/etc/hosts', '/twice']);
  await made('directory', ['/var/run/secrets/x']);
  await made('', ['/var/run/lock']);
  for (const name of ['run/systemd/resolve/stub-resolv.conf', 'nix/hosts', 'crib-outside/x']) {
    assert.equal(kind(name), 'file', name);
  }
  for (const name of ['run/secrets/x', 'run/lock']) assert.equal(kind(name), 'directory', name);
  for (const name of ['etc/resolv.conf', 'var/run', 'twice']) assert.equal(kind(name), 'symlink', name);
  assert.equal(fs.statSync(path.join(rootfs, 'run')).mode & 0o7777, 0o755);
  assert.equal(fs.existsSync('/crib-outside'), false);
});

test('what is there, needs no symlink, leads round or through a file is left to the OCI runtime', async () => {
  await made('file', ['/there', '/plain', '/missing', '/etc/missing/x', '/loop', '/blocked', '/plain/x']);
  for (const name of ['missing', 'etc/missing']) assert.equal(kind(name), undefined, name);
  assert.equal(fs.readFileSync(path.join(rootfs, 'plain'), 'utf8'), 'content');
});

test('in a user namespace its root owns what is made', async () => {
  const range = { containerId: 0, hostId: 200_000, length: 65_536 };
  await made('directory', ['/out/deep'], { uids: [range], gids: [range] });
  const { uid, gid } = fs.statSync(path.join(rootfs, 'crib-outside/deep'));
  assert.deepEqual([uid, gid], [200_000, 200_000]);
});
