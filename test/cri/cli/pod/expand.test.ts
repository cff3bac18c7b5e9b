import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expand, expandEnv } from '../../../../cri/cli/pod/expand.js';

// The cases of Kubernetes' own table (third_party/forked/golang/expansion/expand_test.go).
const VARIABLES = { VAR_A: 'A', VAR_B: 'B', VAR_C: 'C', VAR_REF: '$(VAR_A)', VAR_EMPTY: '' };
const CASES: readonly (readonly [input: string, expected: string])[] = [
  ['$(VAR_A)', 'A'],
  ['___$(VAR_B)___', '___B___'],
  ['$(VAR_A)-$(VAR_A)', 'A-A'],
  ['$(VAR_REF)', '$(VAR_A)'],
  ['$$(VAR_A)', '$(VAR_A)'],
  ['$$$(VAR_A)', '$A'],
  ['$$$$', '$$'],
  ['foo$(VAR_EMPTY)bar', 'foobar'],
  ['$(DOOMED)', '$(DOOMED)'],
  ['$(VAR_A', '$(VAR_A'],
  ['$VAR_A', '$VAR_A'],
  ['foo$', 'foo$'],
  ['$()', '$()'],
  ['$(toString)', '$(toString)'],
];

for (const [input, expected] of CASES) {
  test(`${input} expands to ${expected}`, () => assert.equal(expand(input, VARIABLES), expected));
}

test('a value may refer to those before it only', () => {
  const env = [
    { key: 'A', value: '1' },
    { key: 'B', value: '$(A)$(C)' },
    { key: 'C', value: '3' },
  ];
  assert.deepEqual(expandEnv(env), { A: '1', B: '1$(C)', C: '3' });
});
