import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { LogLine } from '../../../cri/cli/log-line.js';
import { jsonLine, LogPrinter, writeAll } from '../../../cri/cli/log-printer.js';

const line = (content: string, ends = true, stream: 'stdout' | 'stderr' = 'stdout'): LogLine => ({
  time: '12:00',
  stream,
  ends,
  content: Buffer.from(content),
});
const print = (printer: LogPrinter, ...lines: LogLine[]) =>
  lines.map((one) => printer.format(one).bytes.toString()).join('');

test('lines come out as they went in', () => {
  assert.equal(print(new LogPrinter({ timestamps: false }), line('a'), line('b', false), line('c')), 'a\nbc\n');
});

test('name and time stand in front of a line, not in the middle of one, each stream for itself', () => {
  const printer = new LogPrinter({ timestamps: true, prefix: 'web' });
  const text = print(printer, line('a', false), line('E', true, 'stderr'), line('b'), line('c'));
  assert.equal(text, 'web 12:00 aweb 12:00 E\nb\nweb 12:00 c\n');
  const coloured = print(new LogPrinter({ timestamps: false, prefix: 'web', colour: 7 }), line('a'));
  assert.equal(coloured, '\u001b[34mweb\u001b[0m a\n');
});

test('as JSON a line is one line, on stdout', () => {
  const { stream, bytes } = jsonLine(line('a "b"\n', true, 'stderr'), 'web');
  assert.equal(stream, 'stdout');
  assert.deepEqual(JSON.parse(bytes), {
    container: 'web',
    time: '12:00',
    stream: 'stderr',
    ends: true,
    content: 'a "b"\n',
  });
  assert.equal(bytes.indexOf('\n'), bytes.length - 1);
});

test('writing waits for a reader that is slow', async () => {
  const pipe = new PassThrough({ highWaterMark: 1 });
  let done = false;
  const written = writeAll(pipe, 'abc').then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done, false);
  pipe.resume();
  await written;
});
