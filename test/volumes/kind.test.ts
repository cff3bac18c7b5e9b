import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundOrShared, isWithin } from '../../volumes/kind.js';
import { GUEST, HOST } from './fixture.js';

test('a longer name is not a child', () => {
  assert.equal(isWithin('/a/bc', '/a/b'), false);
  assert.equal(isWithin('/a/b/c', '/a/b'), true);
  assert.equal(isWithin('/a/b', '/a/b'), true);
  assert.equal(isWithin('/a', '/a/b'), false);
  assert.equal(isWithin('/a', '/'), true);
  assert.equal(isWithin('/a/b', '/a/'), true);
});

test('what must stay on the host is bound, or shared with a sandbox that has a kernel of its own', () => {
  assert.equal(boundOrShared(HOST.capabilities)[0].route, 'bind');
  assert.equal(boundOrShared(GUEST.capabilities)[0].route, 'host-shared');
});
