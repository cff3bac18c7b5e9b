import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { memoryFile, replaceProgram, setCloseOnExec } from '../../../runtime/linux/programs.js';

const URL = new globalThis.URL('../../../runtime/linux/programs.js', import.meta.url).href;

test('another program goes on with the same pid, the given environment, and what is not closed', () => {
  const program = `
    const { memoryFile, replaceProgram, setCloseOnExec } = await import(${JSON.stringify(URL)});
    const { writeSync } = await import('node:fs');
    const [kept, closed] = [memoryFile('kept'), memoryFile('closed')];
    writeSync(kept, 'handed over');
    for (const fd of [0, 1, 2, kept]) setCloseOnExec(fd, false);
    const script = 'echo $$ "$X" "$1"; cat /proc/self/fd/' + kept + '; ! [ -e /proc/self/fd/' + closed + ' ]';
    replaceProgram('/bin/sh', ['sh', '-c', script, 'sh', String(process.pid)], { X: 'x', PATH: '/usr/bin:/bin', Y: undefined });`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(status, 0, String(stderr));
  const match = /^(\d+) x (\d+)\nhanded over$/.exec(stdout.toString().replace('\0', ''));
  assert.ok(match, String(stdout));
  assert.equal(match[1], match[2]);
});

test('what cannot be executed changes nothing', () => {
  assert.throws(() => replaceProgram('/no/such/program', ['x'], {}), { code: 'ENOENT', syscall: 'execve' });
  const fd = memoryFile('x');
  setCloseOnExec(fd, false);
  setCloseOnExec(fd, true);
  fs.closeSync(fd);
});
