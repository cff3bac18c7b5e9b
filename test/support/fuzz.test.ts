import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { CribError } from '../../runtime/errors.js';
import { accepted, fuzzed } from './fuzz.js';

const refuse = () => {
  throw new CribError('NOT_FOUND', 'no');
};

it('a property that fails names the input and the seed', async () => {
  const run = fuzzed(fc.nat(), (value) => assert.ok(value < 10));
  await assert.rejects(run, /seed: \d+.*\[10\]/s);
});

it('an input that is refused is no failure, unless the code is another or nearly all are', async () => {
  const half = fuzzed(fc.boolean(), (value) => accepted(['NOT_FOUND'], () => (value ? refuse() : undefined)));
  await half();
  await assert.rejects(
    fuzzed(fc.boolean(), () => accepted(['INTERNAL'], refuse)),
    /threw CribError: no/,
  );
  await assert.rejects(
    fuzzed(fc.boolean(), () => accepted(['NOT_FOUND'], refuse)),
    /inputs were refused/,
  );
});
