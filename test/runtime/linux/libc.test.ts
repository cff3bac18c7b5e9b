import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { test } from 'node:test';
import { bind, bindAway, bindNumber, errnoName, SyscallError } from '../../../runtime/linux/libc.js';

test('a failed call is an error that names the call, what it was on, and the errno', () => {
  const rmdir = bind('rmdir', 'int rmdir(const char *path)');
  assert.throws(
    () => rmdir(['/does/not/exist'], '/does/not/exist'),
    (error) =>
      error instanceof SyscallError &&
      error.code === 'ENOENT' &&
      error.errno === os.constants.errno.ENOENT &&
      error.syscall === 'rmdir' &&
      error.message === 'rmdir /does/not/exist: ENOENT',
  );
});

test('an errno has the name that node gives it, and one without a name its number', () => {
  assert.equal(new SyscallError('recv', 11, '').code, 'EAGAIN', 'not EWOULDBLOCK');
  assert.equal(new SyscallError('setxattr', 95, '').code, 'ENOTSUP');
  assert.equal(new SyscallError('call', 530, '').message, 'call: errno 530');
});

test('the name of an errno is that of our errors and of those of node, and of nothing else', () => {
  assert.equal(errnoName(new SyscallError('open', 2, '')), 'ENOENT');
  assert.throws(
    () => fs.readFileSync('/does/not/exist'),
    (error) => errnoName(error) === 'ENOENT',
  );
  assert.equal(errnoName(new Error('ENOENT')), undefined);
  assert.equal(errnoName({ code: 'ENOENT' }), undefined);
  assert.equal(errnoName(Object.assign(new Error(), { code: 2 })), undefined);
});

test('a call by its number gives the result of the kernel, and its errno', () => {
  const getpid = bindNumber('getpid', 39, []);
  if (process.arch === 'x64') assert.equal(getpid([]), process.pid);
  const none = bindNumber('nothing', 100_000, []);
  assert.throws(() => none([], 'here'), { code: 'ENOSYS', message: 'nothing here: ENOSYS' });
});

test('a call that a signal interrupts is made again', async () => {
  const poll = bind('poll', 'int poll(void *fds, unsigned long count, int timeout)');
  const caught = new Promise((resolve) => process.once('SIGUSR2', resolve));
  spawn('sh', ['-c', `kill -USR2 ${process.pid}`]);
  assert.equal(poll([null, 0, 60]), 0);
  await caught;
});

test('a call on a thread of the pool has its own result and errno, also beside others', async () => {
  const access = bindAway('access', 'int access(const char *path, int mode)');
  const outcomes = await Promise.allSettled(
    ['/', '/does/not/exist', '/etc/passwd/below'].map((path) => access([path, 0], path)),
  );
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message)),
    [0, 'access /does/not/exist: ENOENT', 'access /etc/passwd/below: ENOTDIR'],
  );
});
