/** Sockets as far as node:net does not go: passing descriptors (SCM_RIGHTS, unix(7)); one by its namespace. */

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
const connectCall = bind('connect', 'int connect(int fd, void *address, unsigned int length)');
const socketpairCall = bind('socketpair', 'int socketpair(int domain, int type, int protocol, void *fds)');
const acceptCall = bind('accept4', 'int accept4(int fd, void *address, void *length, int flags)');
const recvmsgCall = bind('recvmsg', 'long recvmsg(int fd, CribMsghdr *message, int flags)');
const sendmsgCall = bind('sendmsg', 'long sendmsg(int fd, CribMsghdr *message, int flags)');

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK_CLOEXEC = 0x80800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const CMSG_HEADER = 16;
const MESSAGE_BYTES = 64 * 1024;

/** As many descriptors as one message may carry (SCM_MAX_FD). */
export const MAX_DESCRIPTORS = 253;

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

/** Types of unix sockets: bytes, messages on a connection, messages without one. */
const TYPES = { stream: SOCK_STREAM, packets: SOCK_SEQPACKET, datagrams: SOCK_DGRAM } as const;

/** A listening, non-blocking unix socket at `path` (at most MAX_SOCKET_PATH bytes). The caller closes it. */
export function listenUnix(path: string, type: 'stream' | 'packets' = 'stream', backlog = 8): number {
  return unixSocket(type, (fd) => {
    const address = unixAddress(path);
    bindCall([fd, address, address.length], path);
    listenCall([fd, backlog], path);
  });
}

/** A non-blocking unix socket that receives datagrams at `path`, or at an abstract name after `@`. The caller closes it. */
export function bindUnix(path: string): number {
  return unixSocket('datagrams', (fd) => {
    const address = unixAddress(path.startsWith('@') ? `\0${path.slice(1)}` : path);
    bindCall([fd, address, address.length], path);
  });
}

/**
 * A non-blocking unix socket connected to the one at `path`; a leading `@` names an abstract one. Throws EAGAIN when the
 * listener's backlog is full. The caller closes it.
 */
export function connectUnix(path: string, type: 'packets' | 'datagrams'): number {
  return unixSocket(type, (fd) => {
    const address = unixAddress(path.startsWith('@') ? `\0${path.slice(1)}` : path);
    connectCall([fd, address, address.length], path);
  });
}

function unixSocket(type: keyof typeof TYPES, use: (fd: number) => void): number {
  const fd = socketCall([AF_UNIX, TYPES[type] | SOCK_NONBLOCK_CLOEXEC, 0]);
  try {
    use(fd);
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** struct sockaddr_un; an abstract name ends with its length, a path with a NUL. */
function unixAddress(path: string): Buffer {
  const end = path.startsWith('\0') ? 0 : 1;
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + end);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  return address;
}

/** accept4(2) without waiting; undefined when nobody has connected. The caller closes it. */
export function acceptUnix(listener: number): number | undefined {
  return unlessEmpty(() => acceptCall([listener, null, null, SOCK_NONBLOCK_CLOEXEC], `fd ${listener}`));
}

/** Two connected unix sockets for messages, both O_CLOEXEC and blocking. The caller closes them. */
export function pairOfUnix(): [number, number] {
  const fds = Buffer.alloc(8);
  socketpairCall([AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds]);
  return [fds.readInt32LE(0), fds.readInt32LE(4)];
}

/**
 * Sends one message with duplicates of `descriptors` (at most MAX_DESCRIPTORS), without waiting. `data` must not be
 * empty. False when the socket has no room for it now.
 */
export function sendDescriptors(socket: number, data: Buffer, descriptors: readonly number[]): boolean {
  const length = CMSG_HEADER + 4 * descriptors.length;
  const control = Buffer.alloc(Math.ceil(length / 8) * 8);
  control.writeBigUInt64LE(BigInt(length), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  for (const [index, fd] of descriptors.entries()) control.writeInt32LE(fd, CMSG_HEADER + 4 * index);
  const message = messageHeader(data, descriptors.length === 0 ? Buffer.alloc(0) : control);
  return unlessEmpty(() => sendmsgCall([socket, message, MSG_NOSIGNAL | MSG_DONTWAIT], `fd ${socket}`)) !== undefined;
}

/** One message and the descriptors that came with it. Both are empty at the end of a connection. */
export interface PassedMessage {
  readonly data: Buffer;
  /** O_CLOEXEC; the caller closes them. */
  readonly descriptors: readonly number[];
}

/** The next message, its data cut to 64 KiB. undefined when none is there on a non-blocking socket; a blocking one waits. */
export function receiveDescriptors(socket: number): PassedMessage | undefined {
  const data = Buffer.alloc(MESSAGE_BYTES);
  const control = Buffer.alloc(CMSG_HEADER + 4 * (MAX_DESCRIPTORS + 1));
  const receive = () => recvmsgCall([socket, messageHeader(data, control), MSG_CMSG_CLOEXEC], `fd ${socket}`);
  const size = unlessEmpty(receive);
  if (size === undefined) return undefined;
  const descriptors: number[] = [];
  if (control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS) {
    const length = Number(control.readBigUInt64LE(0));
    for (let at = CMSG_HEADER; at + 4 <= length; at += 4) descriptors.push(control.readInt32LE(at));
  }
  return { data: data.subarray(0, size), descriptors };
}

/**
 * The first descriptor of the next message on a non-blocking socket; undefined when no message is there or it carries
 * none. Further ones are closed. The caller closes it; it is O_CLOEXEC.
 */
export function receiveDescriptor(socket: number): number | undefined {
  const [first, ...others] = receiveDescriptors(socket)?.descriptors ?? [];
  for (const fd of others) fs.closeSync(fd);
  return first;
}

/** struct msghdr (sendmsg(2)); the buffers are kept alive by the call that it is an argument of. */
function messageHeader(data: Buffer, control: Buffer) {
  return {
    name: null,
    nameLength: 0,
    iov: [{ base: data, length: data.length }],
    iovLength: 1,
    control: control.length === 0 ? null : control,
    controlLength: control.length,
    flags: 0,
  };
}

function unlessEmpty(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (errnoName(error) === 'EAGAIN') return undefined;
    throw error;
  }
}
