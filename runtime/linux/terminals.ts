/** Terminals: the size of their window, and their modes (tty_ioctl(4)). */

import { bind } from './libc.js';

const ioctlCall = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');

const TIOCSWINSZ = 0x5414;
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const OPOST = 0x1;
const U16_MAX = 0xffff;

/** TIOCSWINSZ on a terminal's master: `columns` and `rows` beyond a u16 are cut to it. Who runs in it gets SIGWINCH when they differ. */
export function setWindowSize(fd: number, columns: number, rows: number): void {
  const size = Buffer.alloc(8); // struct winsize: rows, columns, and two in pixels
  size.writeUInt16LE(Math.min(rows, U16_MAX), 0);
  size.writeUInt16LE(Math.min(columns, U16_MAX), 2);
  ioctlCall([fd, TIOCSWINSZ, size], 'TIOCSWINSZ');
}

/** Clears OPOST: what is written to the terminal reaches it as it is. Node's raw mode, which is about input, leaves it set. */
export function passOutputThrough(fd: number): void {
  const modes = Buffer.alloc(60); // struct termios of the kernel: c_iflag, c_oflag, …; 36 bytes, 44 on some machines
  ioctlCall([fd, TCGETS, modes], 'TCGETS');
  modes.writeUInt32LE((modes.readUInt32LE(4) & ~OPOST) >>> 0, 4);
  ioctlCall([fd, TCSETS, modes], 'TCSETS');
}
