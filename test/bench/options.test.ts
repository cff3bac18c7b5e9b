import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PARTS, parseOptions } from './options.js';

test('a run measures everything with up to 200 pods, beside whatever runtime is there', () => {
  const { parts, counts, widths, against } = parseOptions([]);
  assert.deepEqual(parts, PARTS);
  assert.deepEqual(counts, [10, 100, 200]);
  assert.deepEqual(widths, [4, 16]);
  assert.deepEqual(against, []);
});

test('the largest number of pods comes after 10 and 100 where it is larger', () => {
  assert.deepEqual(parseOptions(['--only', 'many', '--pods', '500']).counts, [10, 100, 500]);
  assert.deepEqual(parseOptions(['--pods', '100']).counts, [10, 100]);
  assert.deepEqual(parseOptions(['--pods', '7']).counts, [7]);
  assert.deepEqual(parseOptions(['--quick']).counts, [10]);
});

test('what is not known is refused with the usage', () => {
  for (const args of [
    ['--only', 'all'],
    ['--runtime', 'docker'],
    ['--pods', '0'],
    ['--rounds', 'x'],
  ]) {
    assert.throws(() => parseOptions(args), /usage: npm run bench/, args.join(' '));
  }
  assert.deepEqual(parseOptions(['--runtime', 'crio']).against, ['crio']);
});
