import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { killCgroups } from '../../../runtime/keeper/cgroup-kill.js';
import { makeCgroup } from '../../support/cgroup.js';

async function started(): Promise<ChildProcess> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  return child;
}

test('all below a cgroup are killed, a cgroup that is gone has none', async () => {
  const top = makeCgroup('crib-kill');
  const below = path.join(top, 'below');
  fs.mkdirSync(below);
  try {
    const both = [await started(), await started()];
    const ends = both.map((child) => once(child, 'exit'));
    fs.writeFileSync(path.join(top, 'cgroup.procs'), String(both[0]?.pid));
    fs.writeFileSync(path.join(below, 'cgroup.procs'), String(both[1]?.pid));
    await killCgroups([`${top}-absent`, top]);
    assert.deepEqual(
      (await Promise.all(ends)).map(([, signal]) => signal),
      ['SIGKILL', 'SIGKILL'],
    );
    assert.equal(fs.readFileSync(path.join(below, 'cgroup.procs'), 'utf8'), '');
  } finally {
    fs.rmdirSync(below);
    fs.rmdirSync(top);
  }
});

test('this process and init are never killed, and what makes no cgroup is no reason to wait', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-kill-'));
  try {
    fs.writeFileSync(path.join(directory, 'cgroup.procs'), `1\n${process.pid}\n0\n`);
    const began = performance.now();
    await killCgroups([directory]);
    assert.ok(performance.now() - began < 1000);
    await killCgroups([]);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
