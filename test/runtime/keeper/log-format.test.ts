import assert from 'node:assert/strict';
import test from 'node:test';
import { format } from './log-lines.js';

test('a line of exactly the limit is whole; one byte more makes a piece', () => {
  const tags = (text: string) => format([Buffer.from(text)], 4).map(([tag, content]) => `${tag}${content}`);
  assert.deepEqual(tags('1234\n'), ['F1234']);
  assert.deepEqual(tags('12345\n'), ['P1234', 'F5']);
  assert.deepEqual(tags('1234'), ['P1234']);
});
