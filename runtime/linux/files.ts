/** File calls that node:fs lacks: statfs magic, xattrs as bytes, device nodes, FIFOs, nanosecond times, openat2, locks. */

import { AT, LOCK, O } from './constants.js';
import { bind, bindNumber, errnoName } from './libc.js';

const statfsCall = bind('statfs', 'int statfs(const char *path, void *buffer)');
const lsetxattrCall = bind('lsetxattr', 'int lsetxattr(const char *p, const char *n, void *v, size_t s, int flags)');
const lgetxattrCall = bind('lgetxattr', 'long lgetxattr(const char *p, const char *n, void *v, size_t s)');
const llistxattrCall = bind('llistxattr', 'long llistxattr(const char *p, void *list, size_t size)');
const fgetxattrCall = bind('fgetxattr', 'long fgetxattr(int fd, const char *n, void *v, size_t s)');
const flistxattrCall = bind('flistxattr', 'long flistxattr(int fd, void *list, size_t size)');
const mknodCall = bind('mknod', 'int mknod(const char *path, unsigned int mode, unsigned long device)');
const utimensatCall = bind('utimensat', 'int utimensat(int dir, const char *path, void *times, int flags)');
const flockCall = bind('flock', 'int flock(int fd, int operation)');
const fcntlCall = bind('fcntl', 'int fcntl(int fd, int command, long argument)');
const syncfsCall = bind('syncfs', 'int syncfs(int fd)');
const openat2Call = bindNumber('openat2', 437, ['int', 'const char *', 'void *', 'size_t']);

export interface FilesystemStat {
  /** FS_MAGIC.*. */
  readonly type: number;
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly blocksAvailable: bigint;
  readonly files: bigint;
  readonly filesFree: bigint;
}

/** statfs(2), following symlinks. */
export function statFilesystem(path: string): FilesystemStat {
  const buffer = Buffer.alloc(120);
  statfsCall([path, buffer], path);
  return {
    type: Number(buffer.readBigUInt64LE(0) & 0xffffffffn),
    blockSize: Number(buffer.readBigInt64LE(8)),
    blocks: buffer.readBigUInt64LE(16),
    blocksAvailable: buffer.readBigUInt64LE(32),
    files: buffer.readBigUInt64LE(40),
    filesFree: buffer.readBigUInt64LE(48),
  };
}

/** lsetxattr(2): the value is bytes, and a final symlink is not followed. */
export function setXattr(path: string, name: string, value: Buffer): void {
  lsetxattrCall([path, name, value, value.length, 0], `${name} on ${path}`);
}

/** lgetxattr(2). undefined where the attribute is not there. */
export function getXattr(path: string, name: string): Buffer | undefined {
  const value = Buffer.alloc(65536);
  try {
    return value.subarray(0, lgetxattrCall([path, name, value, value.length], `${name} on ${path}`));
  } catch (error) {
    if (errnoName(error) === 'ENODATA') return undefined;
    throw error;
  }
}

/** llistxattr(2). */
export function listXattrs(path: string): string[] {
  const list = Buffer.alloc(65536);
  const length = llistxattrCall([path, list, list.length], path);
  return list
    .subarray(0, length)
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '');
}

/** flistxattr(2): the names of an open file's. */
export function listXattrsOf(fd: number): string[] {
  if (flistxattrCall([fd, null, 0], `fd ${fd}`) === 0) return []; // nearly always
  const list = Buffer.alloc(65536);
  const length = flistxattrCall([fd, list, list.length], `fd ${fd}`);
  return list.toString('utf8', 0, length).split('\0').slice(0, -1);
}

/** fgetxattr(2). Throws ENODATA where the attribute is not there. */
export function getXattrOf(fd: number, name: string): Buffer {
  const value = Buffer.alloc(65536);
  return value.subarray(0, fgetxattrCall([fd, name, value, value.length], `${name} on fd ${fd}`));
}

/** Encodes a device number as Linux user space does (gnu_dev_makedev). */
export function makeDevice(major: number, minor: number): number {
  const high = (BigInt(major) & 0xfffff000n) << 32n;
  const low = ((BigInt(major) & 0xfffn) << 8n) | (BigInt(minor) & 0xffn) | ((BigInt(minor) & 0xffffff00n) << 12n);
  return Number(high | low);
}

/** The major and minor number of an st_rdev. */
export function splitDevice(device: number | bigint): { major: number; minor: number } {
  const value = BigInt(device);
  return {
    major: Number(((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n)),
    minor: Number((value & 0xffn) | ((value >> 12n) & 0xffffff00n)),
  };
}

/** mknod(2): `mode` holds the file type (S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK) and the permissions before umask. */
export function makeNode(path: string, mode: number, device = 0): void {
  mknodCall([path, mode, device], path);
}

/** utimensat(2) without following a final symlink; nanoseconds since the epoch. */
export function setTimes(path: string, accessNs: bigint, modifyNs: bigint): void {
  const times = Buffer.alloc(32);
  writeTimespec(times, 0, accessNs);
  writeTimespec(times, 16, modifyNs);
  utimensatCall([AT.FDCWD, path, times, AT.SYMLINK_NOFOLLOW], path);
}

function writeTimespec(buffer: Buffer, offset: number, ns: bigint): void {
  const billion = 1_000_000_000n;
  const nanoseconds = ((ns % billion) + billion) % billion;
  buffer.writeBigInt64LE((ns - nanoseconds) / billion, offset);
  buffer.writeBigInt64LE(nanoseconds, offset + 8);
}

/** flock(2) exclusive, without waiting. False when another process holds it. The lock goes with the descriptor. */
export function tryLock(fd: number): boolean {
  try {
    flockCall([fd, LOCK.EX | LOCK.NB], `fd ${fd}`);
    return true;
  } catch (error) {
    if (errnoName(error) === 'EAGAIN') return false;
    throw error;
  }
}

/** fcntl(2) with an integer argument; `command` is F.*. */
export function fcntl(fd: number, command: number, argument = 0): number {
  return fcntlCall([fd, command, argument], `fd ${fd}`);
}

/** syncfs(2): writes the whole file system that `fd` lies on to disk. Blocks; keep it off the event loop. */
export function syncFilesystem(fd: number): void {
  syncfsCall([fd], `fd ${fd}`);
}

/** openat2(2); `resolve` is RESOLVE.*. The caller closes the descriptor. */
export function openat2(directoryFd: number, path: string, flags: number, resolve: number, mode = 0): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O.CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(mode), 8);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return openat2Call([directoryFd, path, how, how.length], path);
}
