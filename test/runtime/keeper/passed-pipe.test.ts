import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { closeOpened, makeBlocking, openPassed, passPipe } from '../../../runtime/keeper/passed-pipe.js';
import { F } from '../../../runtime/linux/constants.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { fcntl } from '../../../runtime/linux/files.js';

const isNonBlocking = (fd: number) => (fcntl(fd, F.GETFL) & fs.constants.O_NONBLOCK) !== 0;

test('ends are opened anew, each with flags of its own', () => {
  const [one, two] = [makePipe(), makePipe()];
  const opened = openPassed({ stdin: passPipe(one.reader), stderr: passPipe(two.writer) });
  assert.deepEqual(Object.keys(opened), ['stdin', 'stderr']);
  fs.writeSync(one.writer, 'in');
  fs.writeSync(opened.stderr ?? -1, 'out');
  const data = Buffer.alloc(8);
  assert.equal(data.toString('latin1', 0, fs.readSync(opened.stdin ?? -1, data)), 'in');
  assert.equal(data.toString('latin1', 0, fs.readSync(two.reader, data)), 'out');
  assert.deepEqual([isNonBlocking(opened.stdin ?? -1), isNonBlocking(one.reader)], [true, false]);
  makeBlocking(opened);
  assert.equal(isNonBlocking(opened.stdin ?? -1), false);
  closeOpened(opened);
  for (const { reader, writer } of [one, two]) for (const fd of [reader, writer]) fs.closeSync(fd);
});

test('what is not the pipe that was meant is refused, and nothing stays open', () => {
  const pipe = makePipe();
  const passed = passPipe(pipe.writer);
  const file = path.join(os.tmpdir(), `crib-passed-${process.pid}`);
  const fd = fs.openSync(file, 'w');
  const before = fs.readdirSync('/proc/self/fd').length;
  const refused = { code: 'FAILED_PRECONDITION' };
  assert.throws(() => openPassed({ stdout: passed, stderr: { ...passed, inode: '1' } }), refused);
  assert.throws(() => openPassed({ stdout: passed, stderr: passPipe(fd) }), refused);
  assert.throws(() => openPassed({ stdout: passed, stderr: { ...passed, fd: 9999 } }), refused);
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
  for (const open of [pipe.reader, pipe.writer, fd]) fs.closeSync(open);
  fs.rmSync(file);
});
