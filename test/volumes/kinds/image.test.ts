import assert from 'node:assert/strict';
import { test } from 'node:test';
import { image } from '../../../volumes/kinds/image.js';
import { KINDS } from '../../../volumes/registry.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

test('no path is taken for an image, not even one in the storage of images: a request says that it wants one', () => {
  const facts = factsOf('/var/lib/crib/images/layers/sha256/ab/diff');
  assert.equal(image.matches(facts, HOST), undefined);
  assert.equal(KINDS.recognise(facts, HOST).kind.kind, 'bind');
  assert.equal(KINDS.get('image'), image);
});

test('it is bound or shared', () => {
  assert.equal(image.routes(HOST.capabilities)[0].route, 'bind');
  assert.equal(image.routes(GUEST.capabilities)[0].route, 'host-shared');
});
