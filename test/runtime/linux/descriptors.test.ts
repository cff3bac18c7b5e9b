import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { F } from '../../../runtime/linux/constants.js';
import { makePipe, pollReadable } from '../../../runtime/linux/descriptors.js';
import { fcntl } from '../../../runtime/linux/files.js';

const FD_CLOEXEC = 1;

test('a pipe carries bytes from its writer to its reader, and no child inherits it', () => {
  const { reader, writer } = makePipe();
  for (const fd of [reader, writer]) assert.equal(fcntl(fd, F.GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  fs.writeSync(writer, 'to you');
  const taken = Buffer.alloc(16);
  assert.equal(taken.toString('utf8', 0, fs.readSync(reader, taken)), 'to you');
  assert.throws(() => fs.writeSync(reader, 'back'), { code: 'EBADF' });
  fs.closeSync(writer);
  assert.equal(fs.readSync(reader, taken), 0);
  fs.closeSync(reader);
});

test('of several descriptors those are told that have bytes, are closed at the other end, or are none', () => {
  const [quiet, full, ended] = [makePipe(), makePipe(), makePipe()];
  assert.deepEqual(pollReadable([]), []);
  assert.deepEqual(pollReadable([quiet.reader, full.reader, ended.reader]), []);
  fs.writeSync(full.writer, 'x');
  fs.closeSync(ended.writer);
  assert.deepEqual(pollReadable([quiet.reader, full.reader, ended.reader]), [full.reader, ended.reader]);
  for (const fd of [quiet.reader, quiet.writer, full.reader, full.writer, ended.reader]) fs.closeSync(fd);
  assert.deepEqual(pollReadable([ended.reader]), [ended.reader], 'a closed descriptor is POLLNVAL, not silence');
});
