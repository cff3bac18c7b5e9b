import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Chunk, LineFormatter } from '../../../runtime/keeper/log-format.js';

/** Formats `pieces`, one read each, and returns [tag, content] of every line. */
function format(pieces: readonly Buffer[], limit: number): [string, Buffer][] {
  const chunks: Chunk[] = [];
  const sink = {
    reserve: (bytes: number) => {
      const tail = chunks.at(-1);
      if (tail !== undefined && tail.bytes.length - tail.length >= bytes) return tail;
      const chunk = { bytes: Buffer.alloc(bytes + 100), length: 0 };
      chunks.push(chunk);
      return chunk;
    },
  };
  const formatter = new LineFormatter(sink, 'stderr', limit);
  for (const piece of pieces) formatter.push(piece, piece.length);
  formatter.end();
  const lines: [string, Buffer][] = [];
  for (const chunk of chunks) {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.bytes.indexOf(10, start);
      const line = chunk.bytes.subarray(start, end);
      assert.match(line.toString('latin1', 0, 40), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stderr [FP] $/);
      lines.push([line.toString('latin1', 38, 39), line.subarray(40)]);
      start = end + 1;
    }
  }
  return lines;
}

test('the bytes that came are the bytes that a reader puts together, however they were read', () => {
  const byte = fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 }));
  const pieces = fc.array(fc.array(byte, { maxLength: 60 }), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 20 }), (arrays, limit) => {
      const buffers = arrays.map((array) => Buffer.from(array));
      const lines = format(buffers, limit);
      const joined = Buffer.concat(lines.flatMap(([tag, text]) => (tag === 'F' ? [text, Buffer.from('\n')] : [text])));
      assert.deepEqual(joined, Buffer.concat(buffers));
      assert.ok(lines.every(([, text]) => text.length <= limit));
      assert.deepEqual(lines, format([Buffer.concat(buffers)], limit));
    }),
  );
});

test('a line of exactly the limit is whole; one byte more makes a piece', () => {
  const tags = (text: string) => format([Buffer.from(text)], 4).map(([tag, content]) => `${tag}${content}`);
  assert.deepEqual(tags('1234\n'), ['F1234']);
  assert.deepEqual(tags('12345\n'), ['P1234', 'F5']);
  assert.deepEqual(tags('1234'), ['P1234']);
});
