import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FS_MAGIC } from '../../../runtime/linux/constants.js';
import { hugepages } from '../../../volumes/kinds/hugepages.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf, kubeletVolume } from './facts-of.js';

test('an emptyDir on hugetlbfs, and no other directory of that file system', () => {
  const huge = { filesystemMagic: FS_MAGIC.HUGETLBFS };
  assert.notEqual(hugepages.matches(factsOf(kubeletVolume('empty-dir'), huge), HOST), undefined);
  assert.equal(hugepages.matches(factsOf('/dev/hugepages', huge), HOST), undefined);
  assert.equal(hugepages.matches(factsOf(kubeletVolume('empty-dir')), HOST), undefined);
});

test('its pages are those of the host, also for a guest', () => {
  assert.equal(hugepages.routes(HOST.capabilities)[0].route, 'bind');
  assert.equal(hugepages.routes(GUEST.capabilities)[0].route, 'host-shared');
});
