/** Prepared mounts in a real container: what the options promise is what its processes see. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { makeDevice, makeNode } from '../../runtime/linux/files.js';
import { createEmptyDir } from '../../volumes/local.js';
import { ContainerRoom } from './container-room.js';
import { HOST, mountCommand, mountOf } from './fixture.js';

let room: ContainerRoom;
before(async () => {
  room = await ContainerRoom.open();
});
after(() => room.close());

it('nests volumes and holds read-only ones, with the sub-mounts where asked', async () => {
  const [outer, inner] = ['outer', 'inner'].map((name) => path.join(room.root, name));
  assert.ok(outer !== undefined && inner !== undefined);
  fs.mkdirSync(path.join(outer, 'sub'), { recursive: true });
  fs.mkdirSync(inner);
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(outer, 'sub'));
  const output = await room.run(
    [
      mountOf(inner, '/v/w/x'),
      mountOf(outer, '/v'),
      mountOf(outer, '/ro', { readonly: true }),
      mountOf(outer, '/rro', { readonly: true, recursiveReadOnly: room.runtime.features.recursiveReadOnly }),
    ],
    'for d in /v /v/w/x /ro /ro/sub /rro /rro/sub; do touch $d/f 2>/dev/null && echo $d; done; true',
  );
  const expected = ['/v', '/v/w/x', '/ro/sub', ...(room.runtime.features.recursiveReadOnly ? [] : ['/rro/sub'])];
  assert.deepEqual(output.trim().split('\n'), expected);
  assert.equal(fs.existsSync(path.join(inner, 'f')), true);
});

it('shows a container what is mounted on the host later, by host-to-container only', async () => {
  const shared = path.join(room.root, 'shared');
  fs.mkdirSync(shared);
  mountCommand('--bind', shared, shared);
  mountCommand('--make-shared', shared);
  fs.mkdirSync(path.join(shared, 'late'));
  const script =
    'touch /slave/ready; n=0; while [ ! -e /slave/go ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; ls /slave/late /private/late';
  const running = room.run(
    [mountOf(shared, '/slave', { propagation: 'host-to-container' }), mountOf(shared, '/private')],
    script,
  );
  while (!fs.existsSync(path.join(shared, 'ready'))) await new Promise((resolve) => setTimeout(resolve, 20));
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(shared, 'late'));
  fs.writeFileSync(path.join(shared, 'late', 'seen'), '');
  fs.writeFileSync(path.join(shared, 'go'), '');
  assert.equal(await running, '/private/late:\n\n/slave/late:\nseen\n');
});

it('passes a device node on, with the device cgroup having the last word', async () => {
  const disk = path.join(room.root, 'disk');
  makeNode(disk, fs.constants.S_IFBLK | 0o600, makeDevice(7, 0));
  const output = await room.run([mountOf(disk, '/disk'), mountOf('/dev/null', '/null')], 'stat -c %F /disk /null');
  assert.equal(output, 'block special file\ncharacter special file\n');
});

it('makes missing mount points as the source is, also in a read-only root file system', async () => {
  const directory = room.directory('point');
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, 'text\n');
  const script = 'stat -c "%F" /new/directory /new/file; cat /new/file; touch /x 2>/dev/null || echo read-only';
  const mounts = [mountOf(directory, '/new/directory'), mountOf(file, '/new/file')];
  const output = await room.run(mounts, script, { readonlyRootfs: true });
  assert.equal(output, 'directory\nregular file\ntext\nread-only\n');
});

it("makes one in a read-only volume of the pod's, which stays read-only", async () => {
  const outer = await createEmptyDir(room.root, HOST.podUid, 'outer', { medium: '' });
  const script = 'touch /v/sub/f && echo writable; touch /v/f 2>/dev/null || echo read-only';
  const mounts = [mountOf(outer, '/v', { readonly: true }), mountOf(room.directory('sub'), '/v/sub')];
  assert.equal(await room.run(mounts, script), 'writable\nread-only\n');
});

it('sets read-only beside the flags that the mount of the source has, and mounts it again without', async () => {
  const source = room.directory('flags');
  mountCommand('-t', 'tmpfs', '-o', 'nosuid,nodev,noexec', 'tmpfs', source);
  const script = 'grep -E " /(ro|rw) " /proc/self/mountinfo | cut -d" " -f5,6 | sort';
  const output = await room.run([mountOf(source, '/ro', { readonly: true }), mountOf(source, '/rw')], script);
  // crun, told rw, would clear all of them.
  const [ro = '', rw = ''] = output.trim().split('\n');
  assert.match(ro, /^\/ro ro,/);
  assert.match(rw, /^\/rw rw,/);
  for (const flag of ['nosuid', 'nodev', 'noexec']) {
    assert.ok(rw.split(/[ ,]/).includes(flag), `${flag} of the writable one: ${rw}`);
    assert.ok(ro.split(/[ ,]/).includes(flag), `${flag} of the read-only one: ${ro}`);
  }
});

it('keeps what the host has mounted read-only so, though the container asks for a writable volume', async () => {
  const source = room.directory('sealed');
  mountCommand('-t', 'tmpfs', 'tmpfs', source);
  mountCommand('-o', 'remount,bind,ro', source);
  const script = 'touch /v/written 2>/dev/null && echo writable || echo read-only';
  assert.equal(await room.run([mountOf(source, '/v')], script), 'read-only\n');
});

it('never leaves a volume writable that could not be made read-only', async () => {
  const source = room.directory('locked');
  mountCommand('-t', 'tmpfs', '-o', 'nosuid,nodev,noexec,mode=0777', 'tmpfs', source);
  // In a user namespace these flags are locked: a remount that does not repeat them fails (mount_namespaces(7)).
  const mounts = [mountOf(source, '/locked', { readonly: true })];
  const script = 'touch /locked/written 2>/dev/null && echo writable || echo read-only';
  const output = await room.run(mounts, script, { userNamespaceAt: 100_000 }).catch((error: Error) => error.message);
  assert.equal(fs.existsSync(path.join(source, 'written')), false, output);
  assert.match(output, /^read-only\n$|operation not permitted|EPERM/i);
});

it('keeps what is written to an overlay from the source, until the container goes', async () => {
  const source = room.directory('over');
  fs.writeFileSync(path.join(source, 'file'), 'of the host');
  const policy = { ...HOST.policy, overlay: ['bind'] as const };
  const script = 'echo changed >/v/file; touch /v/new; rm -f /v/gone; cat /v/file; ls /v';
  fs.writeFileSync(path.join(source, 'gone'), '');
  const output = await room.run([mountOf(source, '/v')], script, { context: { policy } });
  assert.equal(output, 'changed\nfile\nnew\n');
  assert.deepEqual(fs.readdirSync(source), ['file', 'gone']);
  assert.equal(fs.readFileSync(path.join(source, 'file'), 'utf8'), 'of the host');
});

it('gives a tmpfs at /tmp where the policy says so', async () => {
  const script = 'stat -f -c %T /tmp; stat -c "%a" /tmp';
  const policy = { ...HOST.policy, tmp: 'tmpfs' as const };
  assert.equal(await room.run([], script, { context: { policy } }), 'tmpfs\n1777\n');
  assert.notEqual((await room.run([], script)).split('\n')[0], 'tmpfs');
});

it('mounts what lies on a loop device, hugetlbfs, overlayfs and tmpfs as it lies there', async () => {
  const image = path.join(room.root, 'image');
  fs.closeSync(fs.openSync(image, 'w'));
  fs.truncateSync(image, 16 << 20);
  execFileSync('mkfs.ext4', ['-q', image], { stdio: 'pipe', timeout: 30_000 });
  const [loop, huge, tmpfs] = ['loop', 'huge', 'tmpfs'].map((name) => room.directory(name));
  const [lower, merged] = ['lower', 'merged'].map((name) => room.directory(name));
  const disk = room.directory('layers');
  mountCommand('-t', 'tmpfs', 'tmpfs', disk);
  mountCommand('-o', 'loop', image, loop ?? '');
  mountCommand('-t', 'hugetlbfs', 'hugetlbfs', huge ?? '');
  mountCommand('-t', 'tmpfs', 'tmpfs', tmpfs ?? '');
  for (const name of ['upper', 'work']) fs.mkdirSync(path.join(disk, name));
  const layers = `lowerdir=${lower},upperdir=${disk}/upper,workdir=${disk}/work`;
  mountCommand('-t', 'overlay', '-o', layers, 'overlay', merged ?? '');
  const sources = { ext4: loop, huge, merged, tmpfs };
  const mounts = Object.entries(sources).map(([name, source]) => mountOf(source ?? '', `/${name}`));
  const script = 'for d in ext4 huge merged tmpfs; do stat -f -c %T /$d; touch /$d/from-container; done';
  assert.equal(await room.run(mounts, script), 'ext2/ext3\nhugetlbfs\noverlayfs\ntmpfs\n');
  for (const source of Object.values(sources)) {
    assert.equal(fs.existsSync(path.join(source ?? '', 'from-container')), true, source);
  }
});
