import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humanAge, humanSize, shortId, table, toJson } from '../../../cri/cli/output.js';

test('a table is as wide as its cells and has no space at the end of a line', () => {
  const lines = table(
    ['NAME', 'ID'],
    [
      ['a-long-name', '1'],
      ['b', ''],
    ],
  ).split('\n');
  assert.deepEqual(lines, ['NAME         ID', 'a-long-name  1', 'b']);
  assert.equal(table(['NAME'], []), 'NAME');
});

test('sizes have three digits at the most', () => {
  const cases: [number, string][] = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1.00kB'],
    [4_220_000, '4.22MB'],
    [42_200_000, '42.2MB'],
    [422_000_000_000, '422GB'],
    [9e15, '9000TB'],
  ];
  for (const [bytes, text] of cases) assert.equal(humanSize(bytes), text);
});

test('ages are in the largest whole unit; what has not happened has none', () => {
  const now = 1_000_000_000;
  const ago = (seconds: number) => humanAge(BigInt(now - seconds * 1000) * 1_000_000n, now);
  assert.equal(humanAge(0n, now), '-');
  assert.deepEqual([0, 1, 59, 60, 7199, 86_400, 200_000, -5].map(ago), [
    '0 seconds ago',
    '1 second ago',
    '59 seconds ago',
    '1 minute ago',
    '1 hour ago',
    '1 day ago',
    '2 days ago',
    '0 seconds ago',
  ]);
});

test('JSON has large numbers as text and bytes as base64', () => {
  assert.deepEqual(JSON.parse(toJson({ a: 2n ** 63n, b: Buffer.from([255]), c: new Uint8Array([0]) })), {
    a: '9223372036854775808',
    b: '/w==',
    c: 'AA==',
  });
});

test('ids are cut as crictl cuts them', () => {
  assert.equal(shortId(`sha256:${'a'.repeat(64)}`), 'a'.repeat(13));
});

test('what somebody else has named does not reach the terminal as control characters', () => {
  assert.equal(table(['NAME', 'X'], [['a\x1b[2Jb\r\n', 'c\u009b']]), 'NAME     X\na [2Jb   c');
});
