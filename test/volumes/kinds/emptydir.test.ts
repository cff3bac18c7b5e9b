import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyDir } from '../../../volumes/kinds/emptydir.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf, kubeletVolume } from './facts-of.js';

const path = kubeletVolume('empty-dir');

test('the root of an emptyDir is one, on any file system; a subPath is a part of one', () => {
  assert.notEqual(emptyDir.matches(factsOf(path), HOST), undefined);
  assert.notEqual(emptyDir.matches(factsOf(path, { filesystemMagic: 1 }), HOST), undefined);
  assert.equal(
    emptyDir.matches(factsOf(`${path}/sub/deep`), HOST),
    'it is a part of the emptyDir "v", whose directory lies in kubernetes.io~empty-dir and is no mount of tmpfs or hugetlbfs',
  );
  assert.equal(emptyDir.matches(factsOf(`${path}/disk`, { type: 'block' }), HOST), undefined);
  assert.equal(emptyDir.matches(factsOf(path, { type: 'missing' }), HOST), undefined);
});

test('it goes into the guest where the guest has a disk, else it is shared', () => {
  const without = { ...GUEST.capabilities, guestLocal: ['tmpfs'] as const };
  assert.equal(emptyDir.routes(HOST.capabilities)[0].route, 'bind');
  assert.equal(emptyDir.routes(GUEST.capabilities)[0].route, 'guest-local');
  const shared = emptyDir.routes(without)[0];
  assert.equal(shared.route, 'host-shared');
  assert.match(shared.reason, /no disk of its own/);
});
