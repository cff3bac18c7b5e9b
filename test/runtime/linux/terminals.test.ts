import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { bind } from '../../../runtime/linux/libc.js';
import { setWindowSize } from '../../../runtime/linux/terminals.js';

const TIOCGWINSZ = 0x5413;

test('the window has the size that was set, rows and columns each in its place, and at most that of a u16', () => {
  const ioctl = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');
  const master = fs.openSync('/dev/ptmx', fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  const size = () => {
    const now = Buffer.alloc(8);
    ioctl([master, TIOCGWINSZ, now]);
    return { rows: now.readUInt16LE(0), columns: now.readUInt16LE(2) };
  };
  try {
    setWindowSize(master, 132, 43);
    assert.deepEqual(size(), { columns: 132, rows: 43 });
    setWindowSize(master, 70_000, 2 ** 32);
    assert.deepEqual(size(), { columns: 65535, rows: 65535 });
    setWindowSize(master, 0, 0);
    assert.deepEqual(size(), { columns: 0, rows: 0 });
  } finally {
    fs.closeSync(master);
  }
});

test('what is no terminal is ENOTTY', () => {
  const file = fs.openSync('/dev/null', 'r');
  assert.throws(() => setWindowSize(file, 80, 24), { code: 'ENOTTY', message: /TIOCSWINSZ/ });
  fs.closeSync(file);
});
