import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../../../../runtime/images/registry/challenge.js';

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test('schemes with their parameters, quoted or not, in order', () => {
  assert.deepEqual(read('Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push"'), [
    ['bearer', { realm: 'https://auth.example/token', service: 'r', scope: 'repository:a/b:pull,push' }],
  ]);
  assert.deepEqual(read('BASIC Realm=plain , charset = "UTF-8",Bearer  realm="x\\"y\\\\z"'), [
    ['basic', { realm: 'plain', charset: 'UTF-8' }],
    ['bearer', { realm: 'x"y\\z' }],
  ]);
  assert.deepEqual(read('Negotiate, Basic realm=""'), [
    ['negotiate', {}],
    ['basic', { realm: '' }],
  ]);
  assert.deepEqual(read('Negotiate a87421==, Basic realm="r"'), [
    ['negotiate', {}],
    ['basic', { realm: 'r' }],
  ]);
});

test('the first of two values counts, and what cannot be read ends the list', () => {
  assert.deepEqual(read('Bearer realm="a",realm="b"'), [['bearer', { realm: 'a' }]]);
  assert.deepEqual(read('Bearer realm="never closed'), [['bearer', {}]]);
  assert.deepEqual(read('Bearer realm="a"; scope="b", Basic realm="c"'), [['bearer', { realm: 'a' }]]);
  for (const nothing of ['', ' , ,', '"Bearer"', '=x', '\0', 'é']) assert.deepEqual(read(nothing), [], nothing);
  assert.deepEqual(read(`Bearer realm="${'x'.repeat(20_000)}"`), [['bearer', {}]], 'an endless header is cut');
});

test('whatever a registry sends is read, and soon', () => {
  const words = fc.constantFrom('Bearer', 'realm', '=', '"', '\\', ',', ' ', '==', 'a', '\t', ';');
  fc.assert(
    fc.property(fc.array(words, { maxLength: 60 }), (parts) => {
      for (const { scheme, parameters } of parseChallenges(parts.join(''))) {
        assert.match(scheme, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
        for (const name of parameters.keys()) assert.equal(name, name.toLowerCase());
      }
    }),
    { numRuns: 2000 },
  );
  const began = performance.now();
  parseChallenges(`Bearer ${'a='.repeat(8000)}`);
  parseChallenges(`Bearer realm="${'\\"'.repeat(8000)}`);
  parseChallenges('a'.repeat(16_000));
  assert.ok(performance.now() - began < 5000);
});
