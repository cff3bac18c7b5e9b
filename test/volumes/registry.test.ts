import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { bind } from '../../volumes/kinds/bind.js';
import { emptyDir } from '../../volumes/kinds/emptydir.js';
import { KINDS, KindRegistry } from '../../volumes/registry.js';
import { HOST } from './fixture.js';
import { factsOf, kubeletVolume } from './kinds/facts-of.js';

test('refuses a kind that is there twice', () => {
  assert.throws(() => new KindRegistry([bind, emptyDir, bind]), {
    code: 'INTERNAL',
    message: /"bind" is registered twice/,
  });
});

test('the first that matches has it', () => {
  const facts = factsOf(kubeletVolume('empty-dir'));
  assert.equal(new KindRegistry([emptyDir, bind]).recognise(facts, HOST).kind, emptyDir);
  assert.equal(new KindRegistry([bind, emptyDir]).recognise(facts, HOST).kind, bind);
});

test('says which path no kind took, and which kind there is not', () => {
  const registry = new KindRegistry([emptyDir]);
  assert.throws(() => registry.recognise(factsOf('/srv'), HOST), { code: 'INTERNAL', message: /matches \/srv/ });
  assert.throws(() => registry.get('bind'), { code: 'INTERNAL', message: /no volume kind "bind"/ });
});

test('an emptyDir stays one at /dev/shm, and a device is no plain path', () => {
  const path = kubeletVolume('empty-dir');
  const at = { containerPath: '/dev/shm' };
  const kindOf = (facts: Parameters<typeof KINDS.recognise>[0]) => KINDS.recognise(facts, HOST).kind.kind;
  const on = (filesystemMagic: number) => factsOf(path, { ...at, filesystemMagic, mountPoint: path });
  assert.equal(kindOf(factsOf(path, at)), 'emptydir');
  assert.equal(kindOf(on(FS_MAGIC.TMPFS)), 'emptydir-memory');
  assert.equal(kindOf(on(FS_MAGIC.HUGETLBFS)), 'hugepages');
  assert.equal(kindOf(factsOf(kubeletVolume('secret'), at)), 'config');
  assert.equal(kindOf(factsOf('/srv/x', at)), 'shm');
  assert.equal(kindOf(factsOf('/dev/null', { type: 'character' })), 'host-device');
  assert.equal(kindOf(factsOf('/srv/x', { type: 'missing' })), 'bind');
});
