import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { lastRuntimeError, logSize, readLogFrom } from '../../../runtime/oci/runtime-log.js';

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-oci-log-'));
});
after(() => fs.rmSync(directory, { recursive: true }));

const line = (level: unknown, msg: unknown) => `${JSON.stringify({ level, msg, time: 't' })}\n`;

test('the last error or fatal line counts; what is none is passed over', () => {
  const text = [
    line('error', 'the first'),
    line('fatal', 'the reason'),
    line('warning', 'not this'),
    line('error', ''),
    line('error', 7),
    line(['error'], 'nor this'),
    'time="…" level=error msg="text format"\n',
    '[{"level":"error","msg":"a list"}]\n',
    '{"level":"error"}\n{}\nnull\n\n',
    '{"level":"error","msg":"cut o',
  ].join('');
  assert.equal(lastRuntimeError(text), 'the reason');
  assert.equal(lastRuntimeError(`${text}ff"}`), 'cut off', 'also without a line feed at its end');
  for (const none of ['', '\n\n', line('info', 'x'), 'error', '{"level":"error","msg":"x"']) {
    assert.equal(lastRuntimeError(none), undefined);
  }
});

test('only what was written since is read, and of that the end', async () => {
  const file = path.join(directory, 'log');
  assert.deepEqual([await logSize(file), await readLogFrom(file, 0)], [0, '']);
  fs.writeFileSync(file, 'before\n');
  const offset = await logSize(file);
  assert.equal(offset, 7);
  assert.equal(await readLogFrom(file, offset), '');
  fs.appendFileSync(file, `${'x'.repeat(100_000)}end`);
  const text = await readLogFrom(file, offset);
  assert.deepEqual([text.length, text.slice(-4)], [64 << 10, 'xend']);
  assert.equal(await readLogFrom(file, 1e9), '', 'it was cut since');
  await assert.rejects(logSize(path.join(file, 'below')), { code: 'ENOTDIR' });
  await assert.rejects(readLogFrom(directory, 0), { code: 'EISDIR' });
  assert.equal(lastRuntimeError(await readLogFrom(file, 0)), undefined);
});
