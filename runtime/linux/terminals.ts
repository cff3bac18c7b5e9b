/** Terminals: the size of their window (tty_ioctl(4)). */

import { bind } from './libc.js';

const ioctlCall = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');

const TIOCSWINSZ = 0x5414;
const U16_MAX = 0xffff;

/** TIOCSWINSZ on a terminal's master: `columns` and `rows` beyond a u16 are cut to it. Who runs in it gets SIGWINCH when they differ. */
export function setWindowSize(fd: number, columns: number, rows: number): void {
  const size = Buffer.alloc(8); // struct winsize: rows, columns, and two in pixels
  size.writeUInt16LE(Math.min(rows, U16_MAX), 0);
  size.writeUInt16LE(Math.min(columns, U16_MAX), 2);
  ioctlCall([fd, TIOCSWINSZ, size], 'TIOCSWINSZ');
}
