import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { isAbsent, readConfigFile } from '../../../../runtime/images/registry/bounded-file.js';

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-bounded-'));
});
after(() => fs.rmSync(directory, { recursive: true }));
const at = (name: string) => path.join(directory, name);

test('a file is read whole up to its limit; one that is not there is none', async () => {
  fs.writeFileSync(at('file'), 'häh');
  assert.equal(await readConfigFile(at('file')), 'häh');
  assert.equal(await readConfigFile(at('file'), 4), 'häh');
  await assert.rejects(readConfigFile(at('file'), 3), {
    code: 'FAILED_PRECONDITION',
    message: /file: it is larger than 3 bytes/,
  });
  fs.writeFileSync(at('empty'), '');
  assert.equal(await readConfigFile(at('empty')), '');
  assert.equal(await readConfigFile(at('none')), undefined);
  assert.equal(await readConfigFile(at('file/below')), undefined);
  assert.equal(isAbsent('ENOENT'), false);
});

test('what is no file is refused, not waited for nor read for ever', async () => {
  assert.equal(spawnSync('mkfifo', [at('fifo')]).status, 0);
  fs.symlinkSync('loop', at('loop'));
  const before = fs.readdirSync('/proc/self/fd').length;
  for (const [file, reason] of [
    [at('fifo'), /it is not a regular file/],
    [directory, /it is not a regular file/],
    ['/dev/zero', /it is not a regular file/],
    [at('loop'), /ELOOP/],
  ] as const) {
    await assert.rejects(readConfigFile(file), { code: 'FAILED_PRECONDITION', message: reason }, file);
  }
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
