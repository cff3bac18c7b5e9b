import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Sample } from './flatness.js';

const samples = (rss: (index: number) => number): Sample[] =>
  Array.from({ length: 2000 }, (_, index) => ({
    cribd: { rss: rss(index), pss: rss(index) / 2 },
    keeper: { rss: 20, pss: 10 },
  }));

test('memory that grows while it warms up, and goes up and down then, is flat', () => {
  const { lines, failures } = judge(samples((index) => Math.min(60, 30 + index / 8) + (index % 7)));
  assert.deepEqual(failures, []);
  assert.equal(
    lines[0],
    'cribd: 63.0 MB (PSS 31.5) over 500 pods after 250, 63.0 MB (PSS 31.5) over the last 500: +0.0 %, flat',
  );
});

test('memory that grows by a little with each pod is not flat', () => {
  const { lines, failures } = judge(samples((index) => 60 + index / 400));
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /^memory grows by more than 5 %: cribd: /);
  assert.match(lines[0] ?? '', /\+5\.\d %, NOT FLAT$/);
  assert.match(lines[1] ?? '', /^keeper: .* flat$/);
});
