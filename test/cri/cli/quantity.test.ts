import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpu, parseQuantity } from '../../../cri/cli/quantity.js';

test('quantities as Kubernetes writes them, exactly', () => {
  const cases: Readonly<Record<string, number>> = {
    '0': 0,
    '100m': 1,
    '1.5Gi': 1_610_612_736,
    '64Mi': 67_108_864,
    '2e3': 2000,
    '.5k': 500,
    '1.1M': 1_100_000,
    '1.14G': 1_140_000_000,
    '5.': 5,
  };
  for (const [text, value] of Object.entries(cases)) assert.equal(parseQuantity(text, 'memory'), value, text);
  for (let hundredths = 1; hundredths < 1000; hundredths += 1) {
    assert.equal(parseQuantity(`${hundredths / 100}M`, 'memory'), hundredths * 10_000);
  }
});

test('CPU in millicores', () => {
  const cases: Readonly<Record<string, number>> = { '1': 1000, '0.1': 100, '250m': 250, '1.001': 1001, '0.0001': 1 };
  for (const [text, value] of Object.entries(cases)) assert.equal(parseCpu(text, 'cpu'), value, text);
});

test('what is none is refused by its field', () => {
  for (const text of ['', '-1', '1Zi', '1 Gi', 'Gi', '1e', '0x10', '1kk', '1e999', 'NaN']) {
    const refused = { code: 'INVALID_ARGUMENT', message: /^limits\.memory: .* is not a quantity/ };
    assert.throws(() => parseQuantity(text, 'limits.memory'), refused, text);
  }
});
