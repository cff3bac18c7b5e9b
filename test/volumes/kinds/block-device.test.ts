import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockDevice } from '../../../volumes/kinds/block-device.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

test('a block device is told by its type, wherever its node is, and no other file is one', () => {
  assert.match(blockDevice.matches(factsOf('/srv/disk', { type: 'block' }), HOST) ?? '', /block device/);
  for (const type of ['directory', 'file', 'character', 'socket', 'fifo', 'missing'] as const) {
    assert.equal(blockDevice.matches(factsOf('/dev/sda', { type }), HOST), undefined, type);
  }
});

test('one of the device mapper is told from others, by its name', () => {
  const evidence = (mapperName: string | undefined) =>
    blockDevice.matches(factsOf('/x', { type: 'block', node: { major: 253, minor: 1, mapperName } }), HOST);
  assert.equal(evidence('vg-data'), 'its source is a block device node (vg-data of the device mapper)');
  assert.equal(evidence(undefined), 'its source is a block device node (253:1)');
});

test('a sandbox with a kernel of its own refuses it', () => {
  assert.equal(blockDevice.routes(HOST.capabilities)[0].route, 'device');
  assert.equal(blockDevice.routes(GUEST.capabilities)[0].route, 'refused');
});
