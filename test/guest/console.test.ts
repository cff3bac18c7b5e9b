import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsoleReader } from './console.js';

test('lines of the guest are told without their mark, however they are cut, and none of the kernel', () => {
  const told: string[] = [];
  const reader = new ConsoleReader((line) => told.push(line));
  for (const chunk of ['[ 1.2] virtio: x\r\n@cr', 'ib started\r\n', '[ 3.4] y @crib two: 3\n@crib ', 'unfinished']) {
    reader.add(chunk);
  }
  assert.deepEqual(told, ['started', 'two: 3']);
});
