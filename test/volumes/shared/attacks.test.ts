/** A guest that is root and has only the shared directory, against a host that mounts and unmounts there. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { mountRootfs, rootfsPaths, unmountRootfs } from '../../../runtime/containers/rootfs.js';
import { CribError } from '../../../runtime/errors.js';
import { openPath } from '../../../runtime/linux/mounts.js';
import { removePodVolumes } from '../../../volumes/local.js';
import { SharedDirectory, type StagedMount } from '../../../volumes/shared/shared-directory.js';
import { openSubPath } from '../../../volumes/sub-path.js';
import { staticBusybox } from '../../support/images-debian.js';
import { recordingLog } from '../../support/log.js';
import { endSwapper, startSwapper } from '../../support/swapper.js';
import { treeSnapshot } from '../../support/tree-snapshot.js';
import { makeTemporary, removeTemporary } from '../fixture.js';
import { type Guest, startGuest } from './guest.js';

const WRITABLE: StagedMount = { readonly: false, propagation: 'private' };
let root = '';
let share: SharedDirectory;
let guest: Guest;
let { log, lines } = recordingLog();
let canary = '';
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(async () => {
  root = makeTemporary();
  ({ log, lines } = recordingLog());
  for (const name of ['layer/bin', 'layer/etc', 'volume/dir/sub', 'outside/dir/sub', 'pod']) {
    fs.mkdirSync(at(name), { recursive: true });
  }
  fs.copyFileSync(await staticBusybox(), at('layer/bin/busybox'));
  fs.chmodSync(at('layer/bin/busybox'), 0o755);
  for (const name of ['mount', 'umount', 'cat', 'ls', 'ln', 'mv', 'rm', 'touch', 'chmod', 'chown', 'mknod'])
    fs.symlinkSync('busybox', at('layer/bin', name));
  fs.writeFileSync(at('layer/etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  fs.writeFileSync(at('volume/dir/sub/inside'), '');
  fs.writeFileSync(at('outside/dir/sub/secret'), 'canary');
  canary = treeSnapshot(at('outside'));
  share = new SharedDirectory(at('pod/share'), { pod: 'p', log });
  await share.open();
  await mountRootfs([at('layer')], rootfsPaths(at('container'), at('bundle')));
  stage('c1', at('bundle/rootfs'));
  stage('volume', at('volume'));
  guest = startGuest(share.shared, '/c1/bin/busybox');
});

afterEach(async () => {
  await guest.end();
  await share.close();
  await unmountRootfs(at('bundle/rootfs'));
  await removeTemporary(root);
});

function stage(entry: string, source: string, mount = WRITABLE): string {
  const fd = openPath(source);
  try {
    return share.stage(entry, fd, mount);
  } finally {
    fs.closeSync(fd);
  }
}

it('at the top, nothing can be made, renamed, replaced, changed or removed', async () => {
  const top = () =>
    fs.readdirSync(at('pod/share/mounts')).map((name) => [name, fs.lstatSync(at('pod/share/mounts', name)).ino]);
  const before = top();
  for (const attempt of [
    'touch /new',
    'mkdir /new',
    `ln -s ${at('outside')} /new`,
    'mknod /new p',
    'ln /c1/etc/passwd /new',
    'mv /c1 /c2',
    'mv /volume /v2',
    'rmdir /volume',
    `ln -sf ${at('outside')} /c1/link && mv -T /c1/link /volume`,
    'chmod 777 /',
    'chown 1:1 /',
    'mount -o remount,rw,bind none /',
    'mount -o remount,rw none /',
    'umount /c1',
    'ln /c1/etc/passwd /volume/passwd', // from one mount to another
  ]) {
    assert.match(
      await guest.run(attempt),
      /(Read-only file system|busy|overwrite directory|not permitted|Invalid|cross-device|denied).*\nexit 1$/s,
      attempt,
    );
  }
  assert.deepEqual(top(), before);
  assert.equal(treeSnapshot(at('outside')), canary);
  assert.equal(await guest.run('cat /volume/dir/sub/inside && echo new > /volume/mine && ls /'), 'c1\nvolume');
  assert.equal(fs.readFileSync(at('volume/mine'), 'utf8'), 'new\n');
});

it('entries that the host stages and takes out come and go in the running guest, also under what it has mounted there', async () => {
  stage('late', at('volume'), { ...WRITABLE, readonly: true });
  assert.equal(await guest.run('ls /late && touch /late/x'), 'dir\ntouch: /late/x: Read-only file system\nexit 1');
  await share.unstage('late');
  assert.match(await guest.run('ls /late'), /No such file/);
  // What it mounts is in its own mount namespace alone, and the host's unmount does not reach what it covers.
  assert.equal(await guest.run('mount -t tmpfs t /volume && touch /volume/in-guest'), '');
  assert.deepEqual(fs.readdirSync(at('pod/share/mounts/volume')), ['dir']);
  await share.unstage('volume');
  assert.deepEqual(share.entries(), ['c1']);
  stage('volume', at('volume'));
  await share.close();
  assert.deepEqual(fs.readdirSync(at('pod')), []);
  assert.equal(treeSnapshot(at('outside')), canary);
  assert.deepEqual(fs.readdirSync(at('volume/dir/sub')), ['inside']);
});

it('a directory swapped for a link while a part of its volume is mounted never shows what the link leads to', async () => {
  const volume = openPath(at('volume'));
  const child = await startSwapper(at('volume/dir'), at('outside/dir'));
  let refused = 0;
  let staged = 0;
  try {
    for (let round = 0; round < 1000 || ((lines.length === 0 || staged === 0) && round < 100_000); round++) {
      let part: number;
      try {
        part = openSubPath(volume, 'dir/sub', { pod: 'p', log });
      } catch (error) {
        assert.ok(error instanceof CribError, String(error));
        refused++;
        continue;
      }
      const shown = share.stage('part', part, WRITABLE);
      fs.closeSync(part);
      assert.equal(fs.existsSync(path.join(shown, 'secret')), false, `round ${round}`);
      await share.unstage('part');
      staged++;
    }
  } finally {
    await endSwapper(child);
    fs.closeSync(volume);
  }
  assert.ok(lines.length > 0 && staged > 0, `${refused} rounds refused, ${lines.length} told, ${staged} staged`);
  assert.ok(lines.every(({ fields }) => fields.where === 'dir/sub' && fields.pod === 'p'));
  assert.equal(treeSnapshot(at('outside')), canary);
});

it('a directory swapped for a link while the volumes of a pod are removed costs nothing outside', async () => {
  for (let round = 0; round < 10; round++) {
    const volume = at('pods/uid/volumes/kubernetes.io~empty-dir/v');
    for (let index = 0; index < 50; index++) fs.mkdirSync(path.join(volume, 'dir', `sub${index}`), { recursive: true });
    fs.mkdirSync(path.join(volume, 'dir/sub'), { recursive: true });
    const child = await startSwapper(path.join(volume, 'dir'), at('outside/dir'));
    await removePodVolumes(at('pods'), 'uid').catch((error: unknown) => assert.match(String(error), /ENOTEMPTY/));
    await endSwapper(child);
    assert.equal(treeSnapshot(at('outside')), canary, `round ${round}`);
  }
  await removePodVolumes(at('pods'), 'uid');
  assert.deepEqual(fs.readdirSync(at('pods')), []);
});

it('links of a guest in its rootfs and its volume are taken away as links', async () => {
  const outside = at('outside/dir/sub');
  assert.equal(
    await guest.run(
      `rm -r /c1/etc && ln -s ${outside} /c1/etc && ln -s ${outside} /volume/out && ln /volume/dir/sub/inside /volume/hard`,
    ),
    '',
  );
  await guest.end();
  await share.unstage('c1');
  await unmountRootfs(at('bundle/rootfs'));
  await share.close();
  assert.equal(treeSnapshot(at('outside')), canary);
  assert.equal(fs.readlinkSync(at('volume/out')), outside);
});
