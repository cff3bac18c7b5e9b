import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { growingPieces, ProgressReader, streamPieces } from '../../../../runtime/images/unpack/input.js';
import type { Progress } from '../../../../runtime/images/unpack/protocol.js';
import { makePipe } from '../../../../runtime/linux/descriptors.js';

const CONTENT = Buffer.alloc(2_500_000, 'abcdefg');

/** A descriptor of a file without a name. */
function fileOf(content: Buffer): number {
  const path = `/tmp/crib-input-${process.pid}`;
  fs.writeFileSync(path, content);
  const fd = fs.openSync(path, 'r');
  fs.unlinkSync(path);
  return fd;
}

/** What the pieces are together, and how long each was: they hold only until the next is asked for. */
function collect(pieces: Iterable<Buffer>): { whole: Buffer; lengths: number[] } {
  const copies = [
    ...(function* () {
      for (const piece of pieces) yield Buffer.from(piece);
    })(),
  ];
  return { whole: Buffer.concat(copies), lengths: copies.map(({ length }) => length) };
}

test('a stream is read to its end in large pieces, however small those are that it comes in', () => {
  const { reader, writer } = makePipe();
  for (let i = 0; i < 60; i++) fs.writeSync(writer, CONTENT, i * 1000, 1000);
  fs.closeSync(writer);
  const { whole, lengths } = collect(streamPieces(reader));
  assert.deepEqual(lengths, [60_000]);
  assert.ok(whole.equals(CONTENT.subarray(0, 60_000)));
  fs.closeSync(reader);
});

test('of a file that grows that much is read as is there, and the wait is for more', () => {
  const file = fileOf(CONTENT);
  const steps: Progress[] = [
    { bytes: 0, whole: false },
    { bytes: 10, whole: false },
    { bytes: 1_500_000, whole: false },
    { bytes: CONTENT.length, whole: false },
    { bytes: CONTENT.length, whole: true },
  ];
  const { whole, lengths } = collect(growingPieces(file, () => steps.shift() ?? assert.fail('asked again at the end')));
  assert.deepEqual(lengths, [10, 1 << 20, 1_500_000 - 10 - (1 << 20), 1_000_000]);
  assert.ok(whole.equals(CONTENT));
  fs.closeSync(file);
});

test('a file that has less than was announced is not waited for', () => {
  const file = fileOf(Buffer.alloc(5));
  assert.throws(() => collect(growingPieces(file, () => ({ bytes: 6, whole: true }))), /less than the 6 bytes/);
  fs.closeSync(file);
});

test('of the lines that are there the last counts, one that is not complete waits, and the end is told', () => {
  const { reader, writer } = makePipe();
  const progress = new ProgressReader(reader);
  fs.writeSync(writer, '{"bytes":1,"whole":false}\n{"bytes":2,"whole":false}\n{"bytes":3,"wh');
  assert.deepEqual(progress.next(), { bytes: 2, whole: false });
  fs.writeSync(writer, 'ole":true}\n');
  assert.deepEqual(progress.next(), { bytes: 3, whole: true });
  fs.closeSync(writer);
  assert.throws(() => progress.next(), /is gone/);
  fs.closeSync(reader);
});
