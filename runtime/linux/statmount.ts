/** statmount(2): what the kernel knows of one mount, without its whole table (Linux 6.8). */

import { AT, MOUNT_ATTR } from './constants.js';
import { bind, bindNumber, errnoName } from './libc.js';
import type { MountInfo } from './mountinfo.js';

const statxCall = bind('statx', 'int statx(int fd, const char *path, int flags, unsigned int mask, void *buffer)');
const statmountCall = bindNumber('statmount', 457, ['void *', 'void *', 'size_t', 'unsigned int']);

/** The id of a mount that is never used again (linux/stat.h, STATX_MNT_ID_UNIQUE; stx_mnt_id). */
const STATX_MNT_ID_UNIQUE = 0x4000;
const STX = { SIZE: 256, MASK: 0, MNT_ID: 144 } as const;

/** linux/mount.h, STATMOUNT_*: super block, mount, its root, its mount point, name of the file system. */
const MASK = 0x1n | 0x2n | 0x8n | 0x10n | 0x20n;
/** struct mnt_id_req, MNT_ID_REQ_SIZE_VER0. */
const REQUEST_SIZE = 24;
/** struct statmount: offsets of its fields; strings follow at 512. */
const AT_FIELD = {
  MASK: 8,
  DEVICE_MAJOR: 16,
  DEVICE_MINOR: 20,
  MAGIC: 24,
  FS_TYPE: 36,
  ID: 56,
  PARENT_ID: 60,
  ATTRIBUTES: 64,
  PROPAGATION: 72,
  PEER_GROUP: 80,
  MASTER: 88,
  ROOT: 104,
  POINT: 108,
  STRINGS: 512,
} as const;
/** Two paths of at most PATH_MAX, and a name. */
const BUFFER_SIZE = AT_FIELD.STRINGS + 2 * 4096 + 256;
const MS_SHARED = 1n << 20n;
const MS_SLAVE = 1n << 19n;

/** A mount as mountinfo shows it, with the super block's magic; of its options those that are in ATTRIBUTES. */
export interface MountStatus extends Omit<MountInfo, 'source' | 'superOptions'> {
  /** FS_MAGIC.*, told without touching the file system, which may be a dead network's. */
  readonly magic: number;
}

/** Options by their names in mountinfo. */
const ATTRIBUTES: readonly (readonly [flag: number, name: string])[] = [
  [MOUNT_ATTR.RDONLY, 'ro'],
  [MOUNT_ATTR.NOSUID, 'nosuid'],
  [MOUNT_ATTR.NODEV, 'nodev'],
  [MOUNT_ATTR.NOEXEC, 'noexec'],
  [MOUNT_ATTR.NOSYMFOLLOW, 'nosymfollow'],
];

/** False once a call has told that this kernel, or its seccomp filter, has no statmount. */
let supported = true;

/**
 * The mount that the open file `fd` lies on; of stacked mounts exactly that one. undefined where the kernel cannot say:
 * it is older than 6.8, or the mount is not reachable from this process's root.
 */
export function mountOfDescriptor(fd: number): MountStatus | undefined {
  if (!supported) return undefined;
  const id = uniqueMountId(fd);
  if (id === undefined) {
    supported = false;
    return undefined;
  }
  const request = Buffer.alloc(REQUEST_SIZE);
  request.writeUInt32LE(REQUEST_SIZE, 0);
  request.writeBigUInt64LE(id, 8);
  request.writeBigUInt64LE(MASK, 16);
  const buffer = Buffer.alloc(BUFFER_SIZE);
  try {
    statmountCall([request, buffer, buffer.length, 0], `fd ${fd}`);
  } catch (error) {
    if (errnoName(error) === 'ENOSYS') supported = false;
    return undefined;
  }
  return buffer.readBigUInt64LE(AT_FIELD.MASK) === MASK ? parse(buffer) : undefined;
}

function uniqueMountId(fd: number): bigint | undefined {
  const buffer = Buffer.alloc(STX.SIZE);
  statxCall([fd, '', AT.EMPTY_PATH | AT.NO_AUTOMOUNT, STATX_MNT_ID_UNIQUE, buffer], `fd ${fd}`);
  const told = (buffer.readUInt32LE(STX.MASK) & STATX_MNT_ID_UNIQUE) !== 0;
  return told ? buffer.readBigUInt64LE(STX.MNT_ID) : undefined;
}

function parse(buffer: Buffer): MountStatus {
  const propagation = buffer.readBigUInt64LE(AT_FIELD.PROPAGATION);
  const attributes = buffer.readBigUInt64LE(AT_FIELD.ATTRIBUTES);
  const tags: string[] = [];
  if ((propagation & MS_SHARED) !== 0n) tags.push(`shared:${buffer.readBigUInt64LE(AT_FIELD.PEER_GROUP)}`);
  if ((propagation & MS_SLAVE) !== 0n) tags.push(`master:${buffer.readBigUInt64LE(AT_FIELD.MASTER)}`);
  return {
    id: buffer.readUInt32LE(AT_FIELD.ID),
    parentId: buffer.readUInt32LE(AT_FIELD.PARENT_ID),
    device: `${buffer.readUInt32LE(AT_FIELD.DEVICE_MAJOR)}:${buffer.readUInt32LE(AT_FIELD.DEVICE_MINOR)}`,
    root: text(buffer, AT_FIELD.ROOT),
    mountPoint: text(buffer, AT_FIELD.POINT),
    options: ATTRIBUTES.filter(([flag]) => (attributes & BigInt(flag)) !== 0n).map(([, name]) => name),
    tags,
    fsType: text(buffer, AT_FIELD.FS_TYPE),
    magic: Number(buffer.readBigUInt64LE(AT_FIELD.MAGIC) & 0xffffffffn),
  };
}

/** The field is an offset behind the fixed part. */
function text(buffer: Buffer, field: number): string {
  const start = AT_FIELD.STRINGS + buffer.readUInt32LE(field);
  return buffer.toString('utf8', start, buffer.indexOf(0, start));
}
