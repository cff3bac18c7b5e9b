/** The log formatter of the keeper, and its output read as a kubelet reads it. */

import assert from 'node:assert/strict';
import { type Chunk, LineFormatter } from '../../../runtime/keeper/log-format.js';

/** Formats `pieces`, one read each, and returns [tag, content] of every line. */
export function format(pieces: readonly Buffer[], limit: number): [string, Buffer][] {
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
