import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { fuzzed } from '../../support/fuzz.js';
import { format } from './log-lines.js';

const byte = fc.oneof(
  { weight: 1, arbitrary: fc.constant(10) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 255 }) },
);
const few = fc.array(byte, { maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const many = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 3000 }))
  .map(([value, size]) => Buffer.alloc(size, value));
const reads = fc.array(fc.oneof({ weight: 5, arbitrary: few }, many), { maxLength: 12 });
const limits = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4096 }));

it(
  'the bytes that came are the bytes a reader puts together',
  fuzzed(fc.tuple(reads, limits), ([buffers, limit]) => {
    const input = Buffer.concat(buffers);
    const lines = format(buffers, limit);
    const joined = Buffer.concat(lines.flatMap(([tag, text]) => (tag === 'F' ? [text, Buffer.from('\n')] : [text])));
    assert.ok(joined.equals(input), 'no byte is lost, added or changed');
    assert.deepEqual(lines, format([input], limit), 'how it was read makes no difference');
    for (const [index, [tag, text]] of lines.entries()) {
      const last = index === lines.length - 1;
      assert.ok(text.length <= limit, `a line of ${text.length} bytes, the limit is ${limit}`);
      assert.ok(tag === 'F' || text.length === limit || last, 'a piece that is not the last has the limit as its size');
    }
  }),
);
