import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FS_MAGIC } from '../../../runtime/linux/constants.js';
import { emptyDirMemory } from '../../../volumes/kinds/emptydir-memory.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf, kubeletVolume } from './facts-of.js';

const path = kubeletVolume('empty-dir');
const memory = { filesystemMagic: FS_MAGIC.TMPFS, mountPoint: path };

test('a tmpfs counts only where it is mounted on the volume itself: the kubelet root may be on one', () => {
  assert.notEqual(emptyDirMemory.matches(factsOf(path, memory), HOST), undefined);
  assert.equal(emptyDirMemory.matches(factsOf(path, { ...memory, mountPoint: '/var' }), HOST), undefined);
  assert.equal(emptyDirMemory.matches(factsOf(path, { ...memory, filesystemMagic: 0xef53 }), HOST), undefined);
  assert.notEqual(emptyDirMemory.matches(factsOf(`${path}/sub`, memory), HOST), undefined);
});

test('it goes into the guest where the guest can make a tmpfs, else it is shared', () => {
  const without = { ...GUEST.capabilities, guestLocal: ['dir'] as const };
  assert.equal(emptyDirMemory.routes(HOST.capabilities)[0].route, 'bind');
  assert.equal(emptyDirMemory.routes(GUEST.capabilities)[0].route, 'guest-local');
  assert.deepEqual(emptyDirMemory.routes(without)[0], {
    route: 'host-shared',
    reason: 'the sandbox has no tmpfs of its own, so it is shared',
  });
});
