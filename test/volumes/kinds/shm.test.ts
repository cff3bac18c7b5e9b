import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shm } from '../../../volumes/kinds/shm.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

test('the destination decides, and only that very one', () => {
  assert.notEqual(shm.matches(factsOf('/run/pods/x/shm', { containerPath: '/dev/shm' }), HOST), undefined);
  assert.equal(shm.matches(factsOf('/dev/shm', { containerPath: '/host-shm' }), HOST), undefined);
  assert.equal(shm.matches(factsOf('/x', { containerPath: '/dev/shm/sub' }), HOST), undefined);
});

test('a guest has shared memory of its own', () => {
  assert.equal(shm.routes(HOST.capabilities)[0].route, 'bind');
  assert.equal(shm.routes(GUEST.capabilities)[0].route, 'skipped');
});
