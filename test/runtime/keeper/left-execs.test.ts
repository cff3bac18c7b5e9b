import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { killLeftExecs } from '../../../runtime/keeper/left-execs.js';
import { ExecFiles } from '../../../sandbox/kept/exec-files.js';
import { until } from '../../support/until.js';
import { withKeeper } from './harness.js';

const LIMIT = { timeout: 60_000 };

/** Whether the process runs whose pid the command has written to the file, which it is told as `$1`. */
function runs(pidFile: string): boolean {
  const text = fs.existsSync(pidFile) ? fs.readFileSync(pidFile, 'utf8').trim() : '';
  return text !== '' && fs.existsSync(`/proc/${text}`);
}

test('a command of ExecSync does not outlive the keeper that kept its time limit', LIMIT, async () => {
  await withKeeper(async ({ client, state }) => {
    const { pidFile } = new ExecFiles(state);
    const argv = ['sh', '-c', 'setsid sh -c \'echo $$ >"$1"; exec sleep 300\' sh "$1"; true', 'sh', pidFile];
    const spec = { argv, env: { PATH: '/usr/bin:/bin' }, pidFile, timeoutMs: 250_000, maxOutputBytes: 1 };
    const cut = assert.rejects(client.exec(spec), { code: 'UNAVAILABLE' });
    await until(() => runs(pidFile), 'the command runs');
    process.kill(client.pid, 'SIGKILL');
    await cut;
    await client.list();
    await until(() => !runs(pidFile), 'the next keeper ends it');
  });
});

test('a process that names another file, or one elsewhere, is left alone', async (t) => {
  const { pidFile } = new ExecFiles('/elsewhere');
  const others = ['/state/containers/c/init.pid', pidFile].map((file) => spawn('sh', ['-c', 'sleep 60', 'sh', file]));
  t.after(() => {
    for (const other of others) other.kill('SIGKILL');
  });
  await Promise.all(others.map((other) => once(other, 'spawn')));
  await killLeftExecs('/state');
  assert.ok(others.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null));
});
