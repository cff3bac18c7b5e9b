import assert from 'node:assert/strict';
import { test } from 'node:test';
import { info } from '../../../cri/services/info.js';

test('one JSON document under the key info, with large numbers as text', () => {
  const { info: text, ...others } = info({ pid: 1, large: 2n ** 63n, nested: { a: [] } });
  assert.deepEqual(JSON.parse(text ?? ''), { pid: 1, large: '9223372036854775808', nested: { a: [] } });
  assert.deepEqual(others, {});
});
