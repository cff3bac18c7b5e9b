import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import test from 'node:test';
import { killByPid, killTree } from '../../../runtime/keeper/kill-process.js';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import { until } from '../../support/until.js';

test('a process goes with all that it started, in whatever session; one that is gone is no error', async () => {
  // Each tells its pid when it is there.
  const inner = 'echo $$; sleep 75; true';
  const script = `setsid sh -c '${inner}' & (exec sh -c '${inner}') & echo $$; wait`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  const pids = () => text.split('\n').filter(Boolean).map(Number);
  const childOf = (pid: number) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  await until(() => pids().length === 3, 'all have started');
  const all = [...pids()];
  for (const pid of all) await until(() => childOf(pid) !== '', 'it has started another');
  for (const pid of pids()) all.push(...childOf(pid).split(' ').map(Number));
  assert.ok(new Set(all).size >= 5);
  const pid = child.pid ?? 0;
  killTree(pid);
  await new Promise((resolve) => child.once('exit', resolve));
  for (const one of all) await until(() => startTimeOf(one) === undefined, `process ${one} has ended`);
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
