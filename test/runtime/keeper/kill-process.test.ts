import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import test from 'node:test';
import { killByPid, killTree } from '../../../runtime/keeper/kill-process.js';
import { startTimeOf } from '../../../runtime/linux/processes.js';

test('a process goes with all that it started, in whatever session; one that is gone is no error', async () => {
  const child = spawn('sh', ['-c', 'setsid sh -c "sleep 75; true" & sleep 75 & echo up; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const pid = child.pid ?? 0;
  killTree(pid);
  await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(spawnSync('pgrep', ['-f', 'sleep 75']).status, 1);
  killTree(pid);
});

test('a pid that another process has now is left alone', async () => {
  const child = spawn('sleep', ['75']);
  const pid = child.pid ?? 0;
  killByPid(pid, '1');
  assert.equal(startTimeOf(pid) === undefined, false);
  const exited = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  killByPid(pid, startTimeOf(pid));
  assert.equal(await exited, 'SIGKILL');
  killByPid(pid);
});
