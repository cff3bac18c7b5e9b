import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outside } from '../../../sandbox/pod/owners.js';

const RANGES = [{ containerId: 0, hostId: 100_000, length: 65_536 }];

test('an id of a container is moved by its user namespace, and stays where there is none or it is not mapped', () => {
  assert.equal(outside(RANGES, 0), 100_000);
  assert.equal(outside(RANGES, 65_535), 165_535);
  assert.equal(outside(RANGES, 65_536), 65_536);
  assert.equal(outside(undefined, 1000), 1000);
});
