import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsMatch, Registry } from '../../sandbox/registry.js';

const registryOf = (...ids: string[]) => {
  const registry = new Registry<{ id: string }>('pod');
  for (const id of ids) registry.add({ id });
  return registry;
};

test('a prefix finds the one that begins with it, and an id that is also a prefix finds itself', () => {
  const registry = registryOf('abc1', 'abc', 'def');
  assert.equal(registry.find('d')?.id, 'def');
  assert.equal(registry.find('abc')?.id, 'abc');
  assert.equal(registry.find('abc1')?.id, 'abc1');
  assert.equal(registry.find('bc'), undefined);
  registry.delete('abc');
  assert.equal(registry.find('abc')?.id, 'abc1');
});

test('a prefix of several is refused, and nothing is everybody', () => {
  const registry = registryOf('abc1', 'abc2');
  assert.throws(() => registry.find('abc'), { code: 'INVALID_ARGUMENT', message: /pod id abc is ambiguous/ });
  assert.equal(registryOf('only').find(''), undefined);
});

test('something as long as an id is one, not a prefix', () => {
  const id = 'a'.repeat(64);
  assert.equal(registryOf(`${id}b`).find(id), undefined);
  assert.equal(registryOf(id).find(id)?.id, id);
});

test('what is not there is NOT_FOUND with its name', () => {
  assert.throws(() => registryOf('abc').get('feed'), { code: 'NOT_FOUND', message: /no pod with the id feed/ });
});

test('a selector matches where all of it is there; an empty one always', () => {
  const labels = { app: 'web', tier: 'front' };
  assert.equal(labelsMatch(labels, { app: 'web' }), true);
  assert.equal(labelsMatch(labels, { app: 'web', tier: 'back' }), false);
  assert.equal(labelsMatch(labels, { app: '' }), false);
  assert.equal(labelsMatch(labels, { none: '' }), false);
  assert.equal(labelsMatch(labels, {}), true);
  assert.equal(labelsMatch(labels, undefined), true);
});
