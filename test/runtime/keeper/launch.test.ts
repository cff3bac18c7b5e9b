import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { launchKeeper } from '../../../runtime/keeper/launch.js';

let root = '';
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-launch-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

test('it runs in a session of its own, at /, with no more of the environment than it needs, and speaks to its log', async () => {
  const program = path.join(root, 'program.cjs');
  const code = `
    const stat = require('fs').readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ');
    console.log(JSON.stringify({ session: Number(stat[3]) === process.pid, cwd: process.cwd(),
      argv: process.argv.slice(2), env: Object.keys(process.env).sort(), soft: process.env.CRIB_NOFILE_SOFT }));
    console.error('and its errors');`;
  fs.writeFileSync(program, code);
  const state = path.join(root, 'a', 'state');
  process.env.CRIB_SECRET = 'not for the keeper';
  const child = launchKeeper(state, program);
  child.ref();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  delete process.env.CRIB_SECRET;
  const log = path.join(state, 'keeper.log');
  const [line = '', errors] = fs.readFileSync(log, 'utf8').split('\n');
  assert.deepEqual(JSON.parse(line), {
    session: true,
    cwd: '/',
    argv: ['--state', state],
    env: ['CRIB_NOFILE_SOFT', 'MALLOC_ARENA_MAX', 'PATH', 'UV_THREADPOOL_SIZE'],
    soft: '1024',
  });
  assert.equal(errors, 'and its errors');
  assert.deepEqual([fs.statSync(log).mode & 0o777, fs.statSync(state).mode & 0o777], [0o600, 0o711]);
});

/** Nobody else waits for it: it is not referenced. */
async function ended(child: ChildProcess): Promise<void> {
  child.ref();
  await once(child, 'exit');
}

test('a log that has grown beyond a mebibyte starts anew; a symlink in its place is refused', async () => {
  const program = path.join(root, 'program.cjs');
  fs.writeFileSync(program, `console.log('started')`);
  const log = path.join(root, 'keeper.log');
  fs.writeFileSync(log, 'x'.repeat(1024 * 1024 + 1));
  await ended(launchKeeper(root, program));
  assert.equal(fs.readFileSync(log, 'utf8'), 'started\n');
  await ended(launchKeeper(root, program));
  assert.equal(fs.readFileSync(log, 'utf8'), 'started\nstarted\n');
  fs.rmSync(log);
  fs.symlinkSync('/dev/null', log);
  assert.throws(() => launchKeeper(root, program), { code: 'ELOOP' });
});
