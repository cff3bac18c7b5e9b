import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockInstance } from '../../runtime/instance-lock.js';

let directory: string;
let holder: ChildProcess | undefined;

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-lock-'));
});

afterEach(async () => {
  holder?.stdin?.end();
  holder = undefined;
  await fs.rm(directory, { recursive: true, force: true });
});

/** A process that has the lock, which names `pid`, until its stdin ends. */
async function holdLock(pid: number): Promise<ChildProcess> {
  const file = path.join(directory, 'cribd.lock');
  await fs.writeFile(file, `${pid}\n`);
  holder = spawn('flock', [file, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (holder.stdout !== null) await once(holder.stdout, 'data');
  return holder;
}

test('a daemon that was killed while it started a process does not keep the next one out', async () => {
  const orphan = await holdLock(spawnSync('true').pid);
  const locked = lockInstance(directory);
  const first = await Promise.race([locked.then(() => 'locked'), sleep(100, 'waits')]);
  assert.equal(first, 'waits', 'what it had started still has the lock');
  orphan.stdin?.end();
  const lock = await locked;
  assert.equal(await fs.readFile(path.join(directory, 'cribd.lock'), 'utf8'), `${process.pid}\n`);
  await lock.release();
});

test('a daemon that runs is told at once, by its process id; released, the lock is to be had again', async () => {
  const running = await holdLock(process.pid);
  const told = new RegExp(`${directory} is in use by another crib serve, process ${process.pid}; `);
  await assert.rejects(lockInstance(directory), { code: 'FAILED_PRECONDITION', message: told });
  const ended = once(running, 'exit');
  running.stdin?.end();
  await ended;
  await (await lockInstance(directory)).release();
  await (await lockInstance(directory)).release();
});

test('what stands there already, however long, gives way to the name of the holder', async () => {
  const file = path.join(directory, 'cribd.lock');
  await fs.writeFile(file, `${'9'.repeat(50)}\n`);
  const lock = await lockInstance(directory);
  assert.equal(await fs.readFile(file, 'utf8'), `${process.pid}\n`);
  assert.equal((await fs.stat(directory)).mode & 0o777, 0o700, 'a directory that is there stays as it is');
  await lock.release();
  const made = path.join(directory, 'a', 'b');
  await (await lockInstance(made)).release();
  const modes = [await fs.stat(made), await fs.stat(path.join(made, 'cribd.lock'))].map(({ mode }) => mode & 0o777);
  assert.deepEqual(modes, [0o711, 0o600]);
});

test('programs that are started do not inherit it', async () => {
  const lock = await lockInstance(directory);
  const child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  await lock.release();
  await (await lockInstance(directory)).release();
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('a disk that is full keeps nobody from starting again', async () => {
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'crib-test', directory]).status, 0);
  const fill = () => fs.appendFile(path.join(directory, 'filler'), Buffer.alloc(128 * 1024)).catch(() => undefined);
  try {
    await fill();
    await (await lockInstance(directory)).release();
    await fs.rm(path.join(directory, 'filler'));
    await (await lockInstance(directory)).release();
    await fill();
    const lock = await lockInstance(directory);
    assert.equal(await fs.readFile(path.join(directory, 'cribd.lock'), 'utf8'), `${process.pid}\n`);
    await lock.release();
  } finally {
    spawnSync('umount', ['-l', directory]);
  }
});
