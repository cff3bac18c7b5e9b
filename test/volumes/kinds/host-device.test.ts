import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FS_MAGIC } from '../../../runtime/linux/constants.js';
import { hostDevice } from '../../../volumes/kinds/host-device.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

test('character devices anywhere, and directories of /dev itself', () => {
  for (const facts of [
    factsOf('/srv/null', { type: 'character' }),
    factsOf('/dev/snd', { mountPoint: '/dev' }),
    factsOf('/dev', { mountPoint: '/dev' }),
    factsOf('/dev/pts', { mountPoint: '/dev/pts', filesystemMagic: FS_MAGIC.DEVPTS }),
  ]) {
    assert.notEqual(hostDevice.matches(facts, HOST), undefined, facts.realPath);
  }
});

test('not what is mounted below /dev, files in it, nor a name that begins like it', () => {
  for (const facts of [
    factsOf('/dev/shm', { mountPoint: '/dev/shm', filesystemMagic: FS_MAGIC.TMPFS }),
    factsOf('/dev/hugepages', { mountPoint: '/dev/hugepages', filesystemMagic: FS_MAGIC.HUGETLBFS }),
    factsOf('/dev/log', { type: 'socket', mountPoint: '/dev' }),
    factsOf('/developers', { mountPoint: '/' }),
    factsOf('/srv/pts', { mountPoint: '/srv/pts', filesystemMagic: FS_MAGIC.DEVPTS }),
  ]) {
    assert.equal(hostDevice.matches(facts, HOST), undefined, facts.realPath);
  }
});

test('a sandbox with a kernel of its own refuses it', () => {
  assert.equal(hostDevice.routes(HOST.capabilities)[0].route, 'device');
  assert.equal(hostDevice.routes(GUEST.capabilities)[0].route, 'refused');
});
