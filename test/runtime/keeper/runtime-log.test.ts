import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { failureOf } from '../../../runtime/keeper/runtime-log.js';

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-runtime-log-'));
});
after(() => fs.rmSync(directory, { recursive: true }));

function log(...lines: readonly unknown[]): string {
  const file = path.join(directory, 'log');
  fs.writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return file;
}

test('the last error or fatal line counts, whatever stands after it', async () => {
  const error = { level: 'error', msg: 'the first', time: 't' };
  const fatal = { level: 'fatal', msg: 'the reason' };
  const file = log(
    error,
    fatal,
    { level: 'warning', msg: 'not this' },
    'no JSON',
    '[1]',
    { level: 'error' },
    '{"level":"err',
  );
  assert.equal(await failureOf(file), 'the reason');
});

test('no error, no log, no name of one: nothing', async () => {
  assert.equal(await failureOf(log({ level: 'info', msg: 'fine' })), undefined);
  assert.equal(await failureOf(log()), undefined);
  assert.equal(await failureOf(path.join(directory, 'absent')), undefined);
  assert.equal(await failureOf(directory), undefined);
  assert.equal(await failureOf(''), undefined);
});

test('of a log without bounds only the end is read', async () => {
  const error = { level: 'error', msg: 'early' };
  assert.equal(await failureOf(log(error, ...Array(1000).fill('x'.repeat(100)))), undefined);
  assert.equal(await failureOf(log(...Array(1000).fill('x'.repeat(100)), error, 'é'.repeat(100))), 'early');
});
