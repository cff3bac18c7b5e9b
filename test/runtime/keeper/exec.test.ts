import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Children } from '../../../runtime/keeper/children.js';
import { Exec } from '../../../runtime/keeper/exec.js';
import type { KeptExecSpec } from '../../../runtime/keeper/protocol.js';
import { becomeSubreaper, startTimeOf } from '../../../runtime/linux/processes.js';
import { until } from '../../support/until.js';

before(becomeSubreaper);
const children = new Children(undefined);

function requestOf(script: string, change: Partial<KeptExecSpec> = {}): KeptExecSpec {
  return {
    argv: ['sh', '-c', script],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    pidFile: '/does/not/exist',
    timeoutMs: 10_000,
    maxOutputBytes: 1000,
    ...change,
  };
}

function start(script: string, change: Partial<KeptExecSpec> = {}) {
  const output = { stdout: '', stderr: '' };
  const exec = Exec.start(requestOf(script, change), children, (name, data) => {
    output[name] += data.toString('latin1');
    return true;
  });
  return { exec, output };
}

const openFiles = () => fs.readdirSync('/proc/self/fd').length;

test('output is told by its stream, an exit as a shell has it, and no descriptor stays', async () => {
  await start('true').exec.done;
  const before = openFiles();
  const { exec, output } = start('echo out; echo err >&2; read x || echo end; exit 9');
  assert.deepEqual(await exec.done, { exitCode: 9, timedOut: false });
  assert.deepEqual(output, { stdout: 'out\nend\n', stderr: 'err\n' });
  assert.deepEqual(await start('kill -9 $$').exec.done, { exitCode: 137, timedOut: false });
  assert.equal(openFiles(), before);
});

test('each stream is kept up to the limit and read on', async () => {
  const { exec, output } = start('head -c 300000 /dev/zero; echo abc >&2; exit 1', { maxOutputBytes: 10 });
  assert.deepEqual(await exec.done, { exitCode: 1, timedOut: false });
  assert.deepEqual([output.stdout.length, output.stderr], [10, 'abc\n']);
});

test('while the sink takes no more the command waits, and what it wrote before its exit is all there', async () => {
  let got = 0;
  const request = requestOf('head -c 500000 /dev/zero', { maxOutputBytes: 1_000_000 });
  const exec = Exec.start(request, children, (_name, data) => {
    got += data.length;
    return false;
  });
  while (got === 0) await sleep(5);
  await sleep(100);
  assert.ok(got <= 65_536, `${got} bytes`);
  const timer = setInterval(() => exec.drained(), 1);
  assert.deepEqual(await exec.done, { exitCode: 0, timedOut: false });
  clearInterval(timer);
  assert.equal(got, 500_000);
});

test('one whose sink takes nothing any more ends when it is cancelled', async () => {
  const request = requestOf('head -c 900000 /dev/zero; exec sleep 60', { timeoutMs: 0, maxOutputBytes: 1_000_000 });
  let held = false;
  const exec = Exec.start(request, children, () => {
    held = true;
    return false;
  });
  while (!held) await sleep(5);
  exec.cancel();
  assert.deepEqual(await exec.done, { exitCode: 137, timedOut: false });
});

test('after its time the process that the pid file names goes, with the command, in whatever session it is', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-exec-'));
  const pidFile = path.join(directory, 'pid');
  const { exec } = start(
    `setsid sh -c 'echo $$ >${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; exec sleep 60 >/dev/null 2>&1' & wait; sleep 60`,
    {
      pidFile,
      timeoutMs: 100,
    },
  );
  assert.deepEqual(await exec.done, { exitCode: 137, timedOut: true });
  const pid = Number(fs.readFileSync(pidFile, 'utf8'));
  const state = () => {
    try {
      return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0] ?? 'X';
    } catch {
      return 'X';
    }
  };
  await until(() => /[ZX]/.test(state()), 'the process ends');
  fs.rmSync(directory, { recursive: true });
});

test('a command of another kernel that is being started when its client goes is killed once it has told its pid', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-exec-'));
  const pidFile = path.join(directory, 'inner-pid');
  const inner = `sleep 0.3; echo $$ >${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; exec sleep 60 >/dev/null 2>&1`;
  const innerKill = { argv: ['kill', '-9', '{pid}'], env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, pidFile };
  // No child of the runtime's, as one in a sandbox is none.
  const { exec } = start(`(setsid sh -c '${inner}' &); exec sleep 60`, { innerKill });
  exec.cancel();
  assert.deepEqual(await exec.done, { exitCode: 137, timedOut: false });
  await until(() => fs.existsSync(pidFile), 'it is started');
  const pid = Number(fs.readFileSync(pidFile, 'utf8'));
  await until(() => startTimeOf(pid) === undefined, 'it is killed');
  fs.rmSync(directory, { recursive: true });
});

test('a pid file of an earlier exec kills nobody', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-exec-'));
  const pidFile = path.join(directory, 'pid');
  fs.writeFileSync(pidFile, String(process.pid));
  const { exec } = start('exec sleep 60', { pidFile });
  exec.cancel();
  exec.cancel();
  assert.deepEqual(await exec.done, { exitCode: 137, timedOut: false });
  fs.rmSync(directory, { recursive: true });
});

test('what cannot be started is INTERNAL and names it', async () => {
  const { exec } = start('', { argv: ['/does/not/exist'] });
  await assert.rejects(exec.done, { code: 'INTERNAL', message: /starting \/does\/not\/exist: .*ENOENT/ });
});
