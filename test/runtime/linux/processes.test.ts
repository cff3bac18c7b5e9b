import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { P, RLIMIT_NOFILE } from '../../../runtime/linux/constants.js';
import { pollReadable } from '../../../runtime/linux/descriptors.js';
import { bind } from '../../../runtime/linux/libc.js';
import {
  becomeSubreaper,
  bootId,
  dieWithParent,
  openPidfd,
  pidfdExit,
  resourceLimit,
  signalPidfd,
  startTimeOf,
  waitForExit,
} from '../../../runtime/linux/processes.js';

before(becomeSubreaper);

test("the boot is the kernel's, without its newline", () => {
  assert.equal(`${bootId()}\n`, fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
});

/** A process that its parent left to this one; libuv does not know it. It outlives the parent, which would reap it. */
function orphan(script: string): { pid: number; pidfd: number } {
  const left = `(while kill -0 $$; do :; done; ${script}) >/dev/null 2>&1`;
  const { stdout } = spawnSync('sh', ['-c', `${left} & echo $!`], { encoding: 'utf8' });
  const pid = Number(stdout);
  return { pid, pidfd: openPidfd(pid) };
}

async function ended(pidfd: number): Promise<void> {
  for (let left = 2000; pollReadable([pidfd]).length === 0; left--) {
    assert.ok(left > 0, 'the process ends');
    await sleep(1);
  }
}

test('an orphan comes to the subreaper, whose wait tells its exit: a look leaves it, then it is gone', async () => {
  const { pid, pidfd } = orphan('exit 7');
  await ended(pidfd);
  const exit = { pid, exitCode: 7, signal: 0 };
  assert.deepEqual(waitForExit(P.PID, pid, true), exit);
  assert.equal(startTimeOf(pid), undefined, 'a zombie is nobody');
  assert.deepEqual(waitForExit(P.PIDFD, pidfd, false), exit);
  assert.equal(waitForExit(P.PID, pid, false), undefined, 'ECHILD is no error');
  fs.closeSync(pidfd);
});

test('one that runs has not exited; one that a signal ends has the code that a shell gives it', async () => {
  const { pid, pidfd } = orphan('exec sleep 60');
  assert.equal(waitForExit(P.PID, pid, false), undefined);
  assert.deepEqual(pollReadable([pidfd]), []);
  assert.equal(signalPidfd(pidfd, 0), true);
  assert.throws(() => signalPidfd(pidfd, 1000), { code: 'EINVAL' });
  assert.equal(signalPidfd(pidfd, 9), true);
  await ended(pidfd);
  assert.deepEqual(waitForExit(P.ALL, 0, false), { pid, exitCode: 137, signal: 9 });
  assert.equal(signalPidfd(pidfd, 9), false, 'one that has ended');
  fs.closeSync(pidfd);
});

test('a pidfd tells how a process ended that another has reaped, where the kernel can', async () => {
  const [major = 0, minor = 0] = os.release().split('.').map(Number);
  const knows = major > 6 || (major === 6 && minor >= 15);
  for (const [script, exit] of [
    ['exit 3', { exitCode: 3, signal: 0 }],
    ['kill -TERM $$; exec sleep 60', { exitCode: 143, signal: 15 }],
  ] as const) {
    const child = spawn('sh', ['-c', `read go; ${script}`], { stdio: ['pipe', 'ignore', 'ignore'] });
    const pidfd = openPidfd(child.pid ?? 0);
    assert.equal(pidfdExit(pidfd), undefined, 'it runs');
    child.stdin?.end('\n');
    await once(child, 'exit');
    assert.deepEqual(pidfdExit(pidfd), knows ? exit : undefined);
    fs.closeSync(pidfd);
  }
  assert.equal(pidfdExit(-1), undefined);
});

test('a pidfd of nobody is ESRCH', () => {
  assert.throws(() => openPidfd(0x3fffff), { code: 'ESRCH', message: /pid 4194303/ });
});

test('the start time is read past a name with blanks and brackets, and is the same each time', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-start-'));
  const program = path.join(directory, 'a) Z 1 (b');
  fs.copyFileSync('/bin/sleep', program);
  const child = spawn(program, ['60']);
  await once(child, 'spawn');
  const stat = fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1');
  assert.match(stat, /\(a\) Z 1 \(b\)/);
  const time = startTimeOf(child.pid ?? 0);
  assert.match(time ?? '', /^\d+$/);
  assert.ok(Number(time) >= Number(startTimeOf(process.pid)));
  assert.equal(startTimeOf(child.pid ?? 0), time);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(startTimeOf(child.pid ?? 0), undefined);
  fs.rmSync(directory, { recursive: true });
});

test('a limit of another process is set, and what was in force is returned', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const previous = resourceLimit(RLIMIT_NOFILE, { soft: 10n, hard: 20n }, pid);
  assert.ok(previous.hard > 20n);
  assert.match(fs.readFileSync(`/proc/${pid}/limits`, 'latin1'), /^Max open files\s+10\s+20\s/m);
  assert.deepEqual(resourceLimit(RLIMIT_NOFILE, undefined, pid), { soft: 10n, hard: 20n });
  assert.throws(() => resourceLimit(RLIMIT_NOFILE, { soft: 30n, hard: 20n }, pid), { code: 'EINVAL' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.throws(() => resourceLimit(RLIMIT_NOFILE, undefined, pid), { code: 'ESRCH' });
});

test('the signal of the end of the parent is set', () => {
  const prctl = bind('prctl', 'int prctl(int op, void *a, unsigned long b, unsigned long c, unsigned long d)');
  const now = Buffer.alloc(4);
  const PR_GET_PDEATHSIG = 2;
  dieWithParent(15);
  prctl([PR_GET_PDEATHSIG, now, 0, 0, 0]);
  dieWithParent(0);
  assert.equal(now.readInt32LE(), 15);
});
