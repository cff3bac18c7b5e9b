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

test('a sandbox with a kernel of its own refuses it', () => {
  const facts = factsOf('/dev/sda', { type: 'block' });
  assert.equal(blockDevice.route(facts, HOST.capabilities).route, 'device');
  assert.equal(blockDevice.route(facts, GUEST.capabilities).route, 'refused');
});
