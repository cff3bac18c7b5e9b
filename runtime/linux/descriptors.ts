/** Pipes made by pipe2(2) (Node's own are socket pairs, which /dev/stdout cannot be reopened on) and poll(2). */

import { O } from './constants.js';
import { bind } from './libc.js';

const pipe2Call = bind('pipe2', 'int pipe2(void *fds, int flags)');
const pollCall = bind('poll', 'int poll(void *fds, unsigned long count, int timeout)');

const POLLIN = 1;
const POLLFD_BYTES = 8;

/** pipe2(2) with O_CLOEXEC: the reading and the writing end, both blocking. The caller closes them. */
export function makePipe(): { reader: number; writer: number } {
  const fds = Buffer.alloc(8);
  pipe2Call([fds, O.CLOEXEC]);
  return { reader: fds.readInt32LE(0), writer: fds.readInt32LE(4) };
}

/** poll(2) without waiting: which of `fds` are readable (of a pidfd: the process has ended), closed or in error. */
export function pollReadable(fds: readonly number[]): number[] {
  if (fds.length === 0) return [];
  const table = Buffer.alloc(fds.length * POLLFD_BYTES);
  for (const [index, fd] of fds.entries()) {
    table.writeInt32LE(fd, index * POLLFD_BYTES);
    table.writeInt16LE(POLLIN, index * POLLFD_BYTES + 4);
  }
  if (pollCall([table, fds.length, 0], `${fds.length} descriptors`) === 0) return [];
  return fds.filter((_, index) => table.readInt16LE(index * POLLFD_BYTES + 6) !== 0);
}
