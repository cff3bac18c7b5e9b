/** Sockets as far as node:net does not go: receiving a descriptor (SCM_RIGHTS, unix(7), recvmsg(2)); one by its namespace. */

import fs from 'node:fs';
import koffi from 'koffi';
import { bind, errnoName } from './libc.js';

koffi.struct('CribIovec', { base: 'void *', length: 'size_t' });
koffi.struct('CribMsghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  iov: 'CribIovec *',
  iovLength: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});

const socketCall = bind('socket', 'int socket(int domain, int type, int protocol)');
const bindCall = bind('bind', 'int bind(int fd, void *address, unsigned int length)');
const listenCall = bind('listen', 'int listen(int fd, int backlog)');
const acceptCall = bind('accept4', 'int accept4(int fd, void *address, void *length, int flags)');
const recvmsgCall = bind('recvmsg', 'long recvmsg(int fd, CribMsghdr *message, int flags)');

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK_CLOEXEC = 0x80800;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const CMSG_HEADER = 16;

/** sun_path's length less its NUL (unix(7)): the longest path that a socket can be bound or connected to. */
export const MAX_SOCKET_PATH = 107;

/**
 * A TCP socket that is neither bound nor connected, non-blocking. It belongs to the network namespace that the calling
 * thread is in now, for good. The caller closes it.
 */
export function tcpSocket(family: 4 | 6): number {
  return socketCall(
    [family === 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0],
    `TCP over IPv${family}`,
  );
}

/** A listening, non-blocking unix stream socket at `path` (at most MAX_SOCKET_PATH bytes). The caller closes it. */
export function listenUnix(path: string): number {
  const fd = socketCall([AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0]);
  try {
    const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(path, 2);
    bindCall([fd, address, address.length], path);
    listenCall([fd, 8], path);
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** accept4(2) without waiting; undefined when nobody has connected. The caller closes it. */
export function acceptUnix(listener: number): number | undefined {
  return unlessEmpty(() => acceptCall([listener, null, null, SOCK_NONBLOCK_CLOEXEC], `fd ${listener}`));
}

/**
 * The first descriptor of the next message on a non-blocking socket; undefined when no message is there or it carries
 * none. Further ones are closed. The caller closes it; it is O_CLOEXEC.
 */
export function receiveDescriptor(socket: number): number | undefined {
  const control = Buffer.alloc(256);
  const message = {
    name: null,
    nameLength: 0,
    iov: [{ base: Buffer.alloc(4096), length: 4096 }],
    iovLength: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  if (unlessEmpty(() => recvmsgCall([socket, message, MSG_CMSG_CLOEXEC], `fd ${socket}`)) === undefined) {
    return undefined;
  }
  const length = Number(control.readBigUInt64LE(0));
  if (length <= CMSG_HEADER || control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) {
    return undefined;
  }
  const first = control.readInt32LE(CMSG_HEADER);
  for (let offset = CMSG_HEADER + 4; offset + 4 <= length; offset += 4) fs.closeSync(control.readInt32LE(offset));
  return first;
}

function unlessEmpty(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (errnoName(error) === 'EAGAIN') return undefined;
    throw error;
  }
}
