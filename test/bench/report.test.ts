import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMarkdown } from './report.js';
import { Results } from './results.js';

test('a runtime that was measured has a column and a ratio, one that was not has none', () => {
  const results = new Results();
  results.add('Calls', 'Version', 'ms', 'crib', 1);
  results.add('Calls', 'Version', 'ms', 'crio', 4);
  results.note('containerd was left out.');
  assert.equal(
    toMarkdown(results, ['Head.']),
    `Head.

**Calls**

| measure | crib    | CRI-O   | crib / CRI-O | n   |
| ------- | ------- | ------- | ------------ | --- |
| Version | 1.00 ms | 4.00 ms | 0.25         | 1   |

Notes:

- containerd was left out.
`,
  );
});

test('ratios are of pairs where there are pairs, else of the medians', () => {
  const results = new Results();
  for (const [ours, theirs] of [
    [1, 2],
    [10, 40],
    [3, 3],
  ] as const) {
    results.add('Calls', 'in pairs', 'ms', 'crib', ours);
    results.add('Calls', 'in pairs', 'ms', 'containerd', theirs);
  }
  for (const ours of [2, 4, 6]) results.add('Calls', 'alone', 'ms', 'crib', ours);
  results.add('Calls', 'alone', 'ms', 'containerd', 8);
  assert.deepEqual(
    results.rows().map(({ ratios }) => ratios),
    [{ containerd: 0.5 }, { containerd: 0.5 }],
  );
});
