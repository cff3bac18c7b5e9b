import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { CribError } from '../../runtime/errors.js';
import { makeDevice, makeNode } from '../../runtime/linux/files.js';
import { createEmptyDir } from '../../volumes/local.js';
import { createConfigVolume } from '../../volumes/local-config.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import { GUEST, HOST, makeTemporary, mountCommand, mountOf, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

const one = async (hostPath: string, containerPath = '/data', context = HOST) => {
  const [prepared] = await prepareVolumes([mountOf(hostPath, containerPath)], context);
  assert.ok(prepared !== undefined);
  return prepared;
};

const fieldError = (code: string, pattern: RegExp) => (error: CribError) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, pattern);
  return true;
};

describe('recognising', () => {
  it('a disk and a memory emptyDir, also through a symlinked root and with a trailing slash', async () => {
    const disk = await createEmptyDir(root, 'uid1', 'disk', { medium: '' });
    const memory = await createEmptyDir(root, 'uid1', 'memory', { medium: 'Memory', sizeLimitBytes: 1 << 20 });
    const link = path.join(root, 'link');
    fs.symlinkSync(root, link);
    for (const prefix of [root, link]) {
      const [a, b] = [disk, memory].map((directory) => directory.replace(root, prefix));
      const first = await one(`${a}/`);
      assert.equal(first.decision.kind, 'emptydir');
      assert.equal(first.decision.route, 'bind');
      assert.equal(first.mount?.source, disk);
      const second = await one(`${b}`);
      assert.equal(second.decision.kind, 'emptydir-memory');
      assert.match(second.decision.reason, /tmpfs mount; the sandbox shares the host kernel/);
    }
    assert.equal((await one(disk, '/d', GUEST)).decision.route, 'guest-local');
    assert.equal((await one(memory, '/dev/shm', GUEST)).decision.kind, 'emptydir-memory');
  });

  it('an emptyDir on disk whose kubelet root is itself on a tmpfs', async () => {
    const tmpfs = path.join(root, 'tmpfs');
    fs.mkdirSync(tmpfs);
    mountCommand('-t', 'tmpfs', 'tmpfs', tmpfs);
    const disk = await createEmptyDir(tmpfs, HOST.podUid, 'disk', { medium: '' });
    assert.equal((await one(disk)).decision.kind, 'emptydir');
  });

  it('a name that only looks like one, and the emptyDir of another pod, as plain paths', async () => {
    for (const directory of [
      `${root}/kubernetes.io~empty-dir/x`,
      `${root}/uid1/volumes/kubernetes.io~empty-dirs/x`,
      await createEmptyDir(root, 'uid2', 'disk', { medium: '' }),
    ]) {
      fs.mkdirSync(directory, { recursive: true });
      assert.equal((await one(directory)).decision.kind, 'bind', directory);
    }
  });

  it('configuration files and single files of them', async () => {
    const volume = await createConfigVolume(root, HOST.podUid, 'settings', { 'a.txt': 'hello' });
    assert.equal((await one(volume)).decision.kind, 'config');
    const single = await one(path.join(volume, 'a.txt'), '/etc/a.txt');
    assert.equal(single.decision.kind, 'config');
    assert.match(single.mount?.source ?? '', /\/\.\.\d{4}_.*\/a\.txt$/);
  });

  it('volumes of Docker by the whole element', async () => {
    const context = { ...HOST, roots: { docker: [path.join(root, 'docker')], kubelet: [] } };
    for (const [name, kind] of [
      ['docker/volumes/v1/_data', 'docker-volume'],
      ['docker/volumesX/v1/_data', 'bind'],
      ['docker/volumes/v1/_data/sub', 'bind'],
      ['docker/volumes/v1', 'bind'],
      ['docker2/volumes/v1/_data', 'bind'],
    ] as const) {
      fs.mkdirSync(path.join(root, name), { recursive: true });
      assert.equal((await one(path.join(root, name), '/data', context)).decision.kind, kind, name);
    }
  });

  it('device nodes wherever they are, and what a guest cannot have', async () => {
    const block = path.join(root, 'block');
    const character = path.join(root, 'character');
    makeNode(block, fs.constants.S_IFBLK | 0o600, makeDevice(7, 200));
    makeNode(character, fs.constants.S_IFCHR | 0o600, makeDevice(1, 3));
    assert.equal((await one(block)).decision.kind, 'block-device');
    assert.equal((await one(character)).decision.kind, 'host-device');
    assert.equal((await one('/dev/null')).decision.route, 'device');
    assert.equal((await one('/dev/shm', '/host-shm')).decision.kind, 'bind');
    for (const source of [block, character]) {
      await assert.rejects(one(source, '/x', GUEST), fieldError('FAILED_PRECONDITION', /config\.mounts\[0\].*refused/));
    }
  });

  it('the kernel file systems, which a guest has of its own', async () => {
    assert.equal((await one('/proc', '/host/proc')).decision.kind, 'system');
    assert.equal((await one('/sys/fs/cgroup', '/cg')).mount?.source, '/sys/fs/cgroup');
    const inGuest = await one('/proc', '/host/proc', GUEST);
    assert.equal(inGuest.decision.route, 'skipped');
    assert.equal(inGuest.mount, undefined);
  });

  it("the pod's shared memory by its destination", async () => {
    fs.mkdirSync(path.join(root, 'shm'));
    assert.equal((await one(path.join(root, 'shm'), '/dev/shm')).decision.kind, 'shm');
  });
});

describe('resolving', () => {
  it('resolves symlinks, and sets read-only and propagation', async () => {
    fs.mkdirSync(path.join(root, 'real'));
    fs.symlinkSync('real', path.join(root, 'alias'));
    const alias = path.join(root, 'alias');
    const options = async (more: Parameters<typeof mountOf>[2]) =>
      (await prepareVolumes([mountOf(alias, '/a', more)], HOST))[0]?.mount;
    const plain = await options({});
    assert.deepEqual(plain, {
      destination: '/a',
      type: 'bind',
      source: `${root}/real`,
      options: ['rbind', 'rprivate', 'rw'],
    });
    assert.deepEqual((await options({ readonly: true }))?.options, ['rbind', 'rprivate', 'ro']);
    const recursive = await options({ readonly: true, recursiveReadOnly: true });
    assert.deepEqual(recursive?.options, ['rbind', 'rprivate', 'ro', 'rro']);
  });

  it('makes a missing source as a directory, and takes it away when another mount is refused', async () => {
    const missing = path.join(root, 'new/deep/er');
    fs.symlinkSync('/nonexistent-crib', path.join(root, 'dangling'));
    const dangling = mountOf(path.join(root, 'dangling'), '/b');
    const refusal = fieldError('FAILED_PRECONDITION', /config\.mounts\[1\]\.host_path.*symlink to/);
    await assert.rejects(prepareVolumes([mountOf(missing, '/a'), dangling], HOST), refusal);
    assert.equal(fs.existsSync(path.join(root, 'new')), false);
    assert.equal((await one(missing)).mount?.source, missing);
    assert.equal(fs.statSync(missing).mode & 0o777, 0o755);
  });

  it('puts parents before children', async () => {
    const element = fc.constantFrom('a', 'b', 'c');
    const destination = fc.array(element, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(destination, { minLength: 1, maxLength: 8 }), async (destinations) => {
        const prepared = await prepareVolumes(
          destinations.map((name) => mountOf(root, name)),
          HOST,
        );
        const order = prepared.map(({ decision }) => decision.containerPath);
        assert.deepEqual([...order].sort(), [...destinations].sort());
        for (const [index, child] of order.entries()) {
          assert.ok(!order.slice(index + 1).some((later) => child.startsWith(`${later}/`)), order.join(' '));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('wants a shared source for bidirectional, a shared or slave one for host-to-container', async () => {
    const base = path.join(root, 'propagation');
    fs.mkdirSync(base);
    mountCommand('--bind', base, base);
    mountCommand('--make-private', base);
    const ask = (propagation: 'host-to-container' | 'bidirectional') =>
      prepareVolumes([mountOf(base, '/p', { propagation })], HOST);
    const refusal = fieldError('FAILED_PRECONDITION', /is mounted on ".*propagation" but it is not a shared/);
    await assert.rejects(ask('host-to-container'), refusal);
    await assert.rejects(ask('bidirectional'), refusal);
    mountCommand('--make-shared', base);
    assert.deepEqual((await ask('host-to-container'))[0]?.mount?.options, ['rbind', 'rslave', 'rw']);
    assert.deepEqual((await ask('bidirectional'))[0]?.mount?.options, ['rbind', 'rshared', 'rw']);
    const slave = path.join(root, 'slave');
    fs.mkdirSync(slave);
    mountCommand('--bind', base, slave);
    mountCommand('--make-slave', slave);
    const asSlave = (propagation: 'host-to-container' | 'bidirectional') =>
      prepareVolumes([mountOf(slave, '/p', { propagation })], HOST);
    assert.deepEqual((await asSlave('host-to-container'))[0]?.mount?.options, ['rbind', 'rslave', 'rw']);
    await assert.rejects(asSlave('bidirectional'), fieldError('FAILED_PRECONDITION', /not a shared mount/));
    const guest = prepareVolumes([mountOf(base, '/p', { propagation: 'bidirectional' })], GUEST);
    await assert.rejects(guest, fieldError('FAILED_PRECONDITION', /config\.mounts\[0\]\.propagation/));
  });

  it('says when source and destination are of different types', async () => {
    const rootfs = path.join(root, 'rootfs');
    fs.mkdirSync(path.join(rootfs, 'etc/dir'), { recursive: true });
    fs.writeFileSync(path.join(rootfs, 'etc/file'), '');
    fs.symlinkSync('/etc/dir', path.join(rootfs, 'link'));
    const source = path.join(root, 'a-file');
    fs.writeFileSync(source, '');
    const context = { ...HOST, rootfs };
    const refusal = fieldError('FAILED_PRECONDITION', /container_path: .* is a (file|directory) in the image/);
    await assert.rejects(one(source, '/link', context), refusal);
    await assert.rejects(one(root, '/etc/file', context), refusal);
    await one(root, '/link', context);
    await one(source, '/etc/new', context);
    await prepareVolumes([mountOf(root, '/etc'), mountOf(source, '/etc/dir')], context);
  });
});

describe('refusing', () => {
  it('names the field of a bad request', async () => {
    const cases: [ReturnType<typeof mountOf>[], string, RegExp][] = [
      [[mountOf('relative', '/a')], 'INVALID_ARGUMENT', /^config\.mounts\[0\]\.host_path/],
      [[mountOf('', '/a')], 'INVALID_ARGUMENT', /^config\.mounts\[0\]\.host_path/],
      [[mountOf('/a\0b', '/a')], 'INVALID_ARGUMENT', /NUL/],
      [[mountOf('/tmp', 'a')], 'INVALID_ARGUMENT', /^config\.mounts\[0\]\.container_path/],
      [[mountOf('/tmp', '/a/..')], 'INVALID_ARGUMENT', /over \//],
      [
        [mountOf('/tmp', '/a'), mountOf('/tmp', '/b/../a/')],
        'INVALID_ARGUMENT',
        /^config\.mounts\[1\]\.container_path.*mounts\[0\]/,
      ],
      [[mountOf('/tmp', '/a', { recursiveReadOnly: true })], 'INVALID_ARGUMENT', /recursive_read_only/],
      [
        [mountOf('/tmp', '/a', { recursiveReadOnly: true, readonly: true, propagation: 'bidirectional' })],
        'INVALID_ARGUMENT',
        /recursive_read_only.*PRIVATE/,
      ],
      [
        [mountOf('/tmp', '/a', { uidMappings: [{ hostId: 0, containerId: 0, length: 1 }] })],
        'INVALID_ARGUMENT',
        /gidMappings/,
      ],
    ];
    for (const [mounts, code, pattern] of cases) {
      await assert.rejects(prepareVolumes(mounts, HOST), fieldError(code, pattern));
    }
    const without = { ...HOST, capabilities: { ...HOST.capabilities, recursiveReadOnly: false } };
    const rro = mountOf('/tmp', '/a', { recursiveReadOnly: true, readonly: true });
    await assert.rejects(prepareVolumes([rro], without), fieldError('FAILED_PRECONDITION', /recursive_read_only/));
  });

  it('never removes a directory that was there before', async () => {
    const there = path.join(root, 'there');
    fs.mkdirSync(there);
    await assert.rejects(prepareVolumes([mountOf(there, '/a'), mountOf('/etc/hostname/x', '/c')], HOST));
    assert.equal(fs.existsSync(there), true);
  });
});
