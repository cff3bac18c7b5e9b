import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseLogLine } from '../../../cri/cli/log-line.js';
import { jsonLine, LogPrinter } from '../../../cri/cli/log-printer.js';
import { readLog } from '../../../cri/cli/log-reader.js';

const TIME = '2026-11-24T04:00:00.123456789Z';
let directory = '';

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-log-reader-'));
});
after(() => fs.rm(directory, { recursive: true, force: true }));

function line(content: string, tag = 'F', stream = 'stdout'): string {
  return `${TIME} ${stream} ${tag} ${content}\n`;
}

async function contents(file: string, options: { tail?: number } = {}): Promise<string[]> {
  const list: string[] = [];
  const lines = readLog(file, {
    ...options,
    follow: false,
    ended: async () => true,
    signal: new AbortController().signal,
  });
  for await (const { content } of lines) list.push(content.toString());
  return list;
}

test('a line has a time, a stream, a tag and content with blanks', () => {
  const parsed = parseLogLine(Buffer.from(`${TIME} stderr P  two words `));
  assert.deepEqual(
    { ...parsed, content: parsed?.content.toString() },
    {
      time: TIME,
      stream: 'stderr',
      ends: false,
      content: ' two words ',
    },
  );
});

test('an empty line of output is a line', () => {
  assert.equal(parseLogLine(Buffer.from(`${TIME} stdout F `))?.content.length, 0);
});

test('what is not a log line is left out', () => {
  for (const text of ['', 'x', `${TIME} stdout`, `${TIME} stdin F x`]) {
    assert.equal(parseLogLine(Buffer.from(text)), undefined, text);
  }
});

test('all lines, longer than one read together', async () => {
  const file = path.join(directory, 'long.log');
  const wanted = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(index % 100)}`);
  await fs.writeFile(file, wanted.map((content) => line(content)).join(''));
  assert.deepEqual(await contents(file), wanted);
  assert.deepEqual(await contents(file, { tail: 3 }), wanted.slice(-3));
  assert.deepEqual(await contents(file, { tail: 4999 }), wanted.slice(1));
  assert.deepEqual(await contents(file, { tail: 9999 }), wanted);
  assert.deepEqual(await contents(file, { tail: 0 }), []);
});

test('the last line may still be without its end', async () => {
  const file = path.join(directory, 'open.log');
  await fs.writeFile(file, `${line('one')}${line('two')}${TIME} stdout F thr`);
  assert.deepEqual(await contents(file), ['one', 'two']);
});

test('a log that is not there is NOT_FOUND and names the file', async () => {
  await assert.rejects(contents(path.join(directory, 'none.log')), { code: 'NOT_FOUND', message: /none\.log/ });
});

test('following goes over a rotation and loses nothing', async () => {
  const file = path.join(directory, 'rotated.log');
  const list: string[] = [];
  let over = false;
  const reading = (async () => {
    const lines = readLog(file, { follow: true, ended: async () => over, signal: new AbortController().signal });
    for await (const { content } of lines) list.push(content.toString());
  })();
  const old = await fs.open(file, 'a');
  await old.write(line('before'));
  await sleep(150);
  await fs.rename(file, `${file}.20261124`);
  await old.write(line('after the rename'));
  await sleep(250);
  await fs.writeFile(file, line('in the new file'));
  await sleep(250);
  await fs.appendFile(file, line('last'));
  over = true;
  await reading;
  await old.close();
  assert.deepEqual(list, ['before', 'after the rename', 'in the new file', 'last']);
});

test('following ends at the signal', async () => {
  const file = path.join(directory, 'endless.log');
  await fs.writeFile(file, line('one'));
  const stop = new AbortController();
  const lines = readLog(file, { follow: true, ended: async () => false, signal: stop.signal });
  assert.equal((await lines.next()).value?.content.toString(), 'one');
  setTimeout(() => stop.abort(), 50);
  assert.equal((await lines.next()).done, true);
});

test('pieces of a line are put together, with one prefix', () => {
  const printer = new LogPrinter({ timestamps: true, prefix: 'web |' });
  const lines = [line('one ', 'P'), line('err', 'F', 'stderr'), line('line')].map((text) =>
    parseLogLine(Buffer.from(text.slice(0, -1))),
  );
  const printed = lines.map((parsed) => (parsed === undefined ? undefined : printer.format(parsed)));
  assert.deepEqual(
    printed.map((entry) => [entry?.stream, entry?.bytes.toString()]),
    [
      ['stdout', `web | ${TIME} one `],
      ['stderr', `web | ${TIME} err\n`],
      ['stdout', 'line\n'],
    ],
  );
});

test('JSON has one object a line', () => {
  const parsed = parseLogLine(Buffer.from(line('a "b"').slice(0, -1)));
  assert.ok(parsed !== undefined);
  assert.deepEqual(JSON.parse(jsonLine(parsed, 'web').bytes), {
    container: 'web',
    time: TIME,
    stream: 'stdout',
    ends: true,
    content: 'a "b"',
  });
});
