/** The one interface change crib makes itself: setting `lo` up in a new network namespace (netdevice(7)). */

import fs from 'node:fs';
import { bind } from './libc.js';

const socketCall = bind('socket', 'int socket(int domain, int type, int protocol)');
const ioctlCall = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x80002;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP_RUNNING = 0x41;

/** Sets the loopback interface of the calling thread's network namespace up. */
export function setLoopbackUp(): void {
  const fd = socketCall([AF_INET, SOCK_DGRAM_CLOEXEC, 0]);
  try {
    const request = Buffer.alloc(40); // struct ifreq: name[16], then flags
    request.write('lo', 0, 'latin1');
    request.writeInt16LE(IFF_UP_RUNNING, 16);
    ioctlCall([fd, SIOCSIFFLAGS, request], 'SIOCSIFFLAGS lo');
  } finally {
    fs.closeSync(fd);
  }
}
