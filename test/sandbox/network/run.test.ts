import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type RunOptions, run } from '../../../sandbox/network/run.js';

const OPTIONS: RunOptions = {
  input: '',
  env: process.env,
  timeoutMs: 20_000,
  signal: new AbortController().signal,
};
const sh = (script: string, change: Partial<RunOptions> = {}) => run('sh', ['-c', script], { ...OPTIONS, ...change });

test('what it says, what it fails with, and what it is told', async () => {
  const result = await sh('cat; echo "  oops " >&2; exit 3', { input: 'told' });
  assert.deepEqual(result, { exitCode: 3, stdout: 'told', stderr: 'oops' });
  assert.equal((await sh('kill -9 $$')).exitCode, -1);
});

test('one that ends without reading is no failure', async () => {
  assert.equal((await sh('exit 0', { input: 'x'.repeat(1 << 20) })).exitCode, 0);
});

test('of stderr the end is kept; more than 1 MiB on stdout ends it', async () => {
  const { stderr } = await sh('yes | head -c 100000 >&2; echo last >&2');
  assert.ok(stderr.length <= 4096 && stderr.endsWith('last'));
  await assert.rejects(sh('yes'), { code: 'RESOURCE_EXHAUSTED', message: /sh: wrote over 1048576 bytes/ });
  assert.equal((await sh('head -c 1048576 /dev/zero')).stdout.length, 1 << 20);
});

test('what cannot be started is NOT_FOUND', async () => {
  await assert.rejects(run('/nonexistent-crib', [], OPTIONS), { code: 'NOT_FOUND', message: /cannot be started/ });
});

test('too long, or no longer wanted: the whole group is killed, children too', async () => {
  const abort = new AbortController();
  const cancelled = sh('sleep 1000', { signal: abort.signal });
  abort.abort();
  await assert.rejects(cancelled, { code: 'CANCELLED' });
  await assert.rejects(sh('true', { signal: abort.signal }), { code: 'CANCELLED', message: /the caller gave up$/ });
  await assert.rejects(sh('sleep 1000 & wait', { timeoutMs: 100 }), { code: 'DEADLINE_EXCEEDED', message: /100 ms/ });
});

test('what it has left behind, in a group of its own, is not waited for, whatever it holds', async () => {
  const leave = 'setsid sleep 1000 & echo $!';
  const { exitCode, stdout } = await sh(`${leave}; exit 3`);
  process.kill(Number(stdout), 'SIGKILL');
  assert.equal(exitCode, 3);
  const file = path.join(os.tmpdir(), `crib-left-${process.pid}`);
  const late = sh(`(${leave}) >${file}; setsid sleep 1001 & echo $! >>${file}; sleep 1000`, { timeoutMs: 200 });
  await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' });
  for (const pid of fs.readFileSync(file, 'utf8').trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  fs.rmSync(file);
});
