import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container } from '../../../cri/api/generated/index.js';
import { type DeepPartial, encodeMessage } from '../../../cri/api/wire.js';
import { batches } from '../../../cri/services/batches.js';

const container = (index: number, bytes = 0): DeepPartial<Container> => ({
  id: String(index),
  labels: { a: 'x'.repeat(bytes) },
});
const parts = (items: readonly DeepPartial<Container>[]) => [...batches(items, Container)];

test('an empty list has no part', () => {
  assert.deepEqual(parts([]), []);
});

test('all entries come, in their order, in parts that are neither empty nor large', () => {
  for (const bytes of [0, 1000, 300_000, 3_000_000]) {
    const items = Array.from({ length: 300 }, (_, index) => container(index, index % 7 === 0 ? bytes : 0));
    const found = parts(items);
    assert.deepEqual(found.flat(), items);
    for (const part of found) {
      const size = part.reduce((sum, item) => sum + encodeMessage(Container, item).length, 0);
      assert.ok(part.length > 0 && part.length <= 128);
      assert.ok(part.length === 1 || size <= 2 * 1024 * 1024, `${size} bytes`);
    }
  }
});
