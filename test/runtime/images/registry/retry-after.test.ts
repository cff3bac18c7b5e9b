import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfter } from '../../../../runtime/images/registry/retry-after.js';

const NOW = Date.parse('Thu, 26 Nov 2026 08:00:00 GMT');

test('seconds or a date, and nothing for what is neither', () => {
  for (const [header, expected] of [
    ['0', 0],
    [' 120 ', 120_000],
    ['Thu, 26 Nov 2026 08:00:05 GMT', 5000],
    ['Thu, 26 Nov 2020 08:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    assert.equal(retryAfter(header, NOW), expected, header);
  }
});
