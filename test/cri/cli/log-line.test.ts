import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogLine } from '../../../cri/cli/log-line.js';

const parse = (text: string) => {
  const line = parseLogLine(Buffer.from(text));
  return line && { ...line, content: line.content.toString() };
};

test('a whole line, a piece, an empty line, and tags that are to come', () => {
  const time = '2026-11-24T04:00:00.123456789Z';
  assert.deepEqual(parse(`${time} stdout F two  words `), {
    time,
    stream: 'stdout',
    ends: true,
    content: 'two  words ',
  });
  assert.deepEqual(parse(`${time} stderr P `), { time, stream: 'stderr', ends: false, content: '' });
  assert.equal(parse(`${time} stdout F:later x`)?.ends, true);
});

test('bytes that are no text come through as they are', () => {
  const bytes = Buffer.from([0xff, 0, 0x20, 0xc3]);
  assert.deepEqual(parseLogLine(Buffer.concat([Buffer.from('t stdout F '), bytes]))?.content, bytes);
});

test('what is no such line is none', () => {
  for (const text of ['', ' ', 'time', 'time stdout', 'time stdout F', 'time stdin F x'])
    assert.equal(parse(text), undefined);
});
