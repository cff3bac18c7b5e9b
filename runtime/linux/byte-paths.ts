/** Calls on paths that are bytes, not text: a file name need not be UTF-8. Without following a final symlink. */

import { AT, O } from './constants.js';
import { bind, bindNumber } from './libc.js';

const lsetxattrCall = bind('lsetxattr', 'int lsetxattr(void *p, const char *n, void *v, size_t s, int flags)');
const lgetxattrCall = bind('lgetxattr', 'long lgetxattr(void *p, const char *n, void *v, size_t s)');
const llistxattrCall = bind('llistxattr', 'long llistxattr(void *p, void *list, size_t size)');
const mknodCall = bind('mknod', 'int mknod(void *path, unsigned int mode, unsigned long device)');
const utimensatCall = bind('utimensat', 'int utimensat(int dir, void *path, void *times, int flags)');
const futimensCall = bind('futimens', 'int futimens(int fd, void *times)');
const openat2Call = bindNumber('openat2', 437, ['int', 'void *', 'void *', 'size_t']);

/** A path: text where it is plain ASCII, bytes otherwise. */
export type BytePath = string | Buffer;

/** With the NUL that ends a C string. The buffer lives as an argument of the call that it is made for. */
function terminated(path: BytePath): Buffer {
  return typeof path === 'string' ? Buffer.from(`${path}\0`) : Buffer.concat([path, Buffer.of(0)]);
}

/** lsetxattr(2). */
export function setXattrAt(path: BytePath, name: string, value: Buffer): void {
  lsetxattrCall([terminated(path), name, value, value.length, 0], `${name} on ${path.toString()}`);
}

/** lgetxattr(2): the value. Throws ENODATA where the attribute is not there. */
export function getXattrAt(path: BytePath, name: string): Buffer {
  const value = Buffer.alloc(65536);
  const length = lgetxattrCall([terminated(path), name, value, value.length], `${name} on ${path.toString()}`);
  return value.subarray(0, length);
}

/** llistxattr(2). */
export function listXattrsAt(path: BytePath): string[] {
  const list = Buffer.alloc(65536);
  const length = llistxattrCall([terminated(path), list, list.length], path.toString());
  return list.toString('utf8', 0, length).split('\0').slice(0, -1);
}

/** mknod(2): `mode` holds the file type and the permissions before umask, `device` is makeDevice()'s. */
export function makeNodeAt(path: BytePath, mode: number, device: number): void {
  mknodCall([terminated(path), mode, device], path.toString());
}

/** Access and modification time in one; one buffer for all calls, for they are synchronous. */
const times = Buffer.alloc(32);

function fill(seconds: number, nanoseconds: number): Buffer {
  for (const offset of [0, 16]) {
    times.writeBigInt64LE(BigInt(seconds), offset);
    times.writeBigInt64LE(BigInt(nanoseconds), offset + 8);
  }
  return times;
}

/** utimensat(2): sets both times, in whole seconds and nanoseconds since the epoch. */
export function setTimesAt(path: BytePath, seconds: number, nanoseconds: number): void {
  utimensatCall([AT.FDCWD, terminated(path), fill(seconds, nanoseconds), AT.SYMLINK_NOFOLLOW], path.toString());
}

/** futimens(2): sets both times of an open file, in whole seconds and nanoseconds since the epoch. */
export function setTimesOf(fd: number, seconds: number, nanoseconds: number): void {
  futimensCall([fd, fill(seconds, nanoseconds)], `fd ${fd}`);
}

/** openat2(2) as in files.ts, of a name that is bytes. The caller closes the descriptor. */
export function openBytesAt(directoryFd: number, path: BytePath, flags: number, resolve: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O.CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return openat2Call([directoryFd, terminated(path), how, how.length], path.toString());
}
