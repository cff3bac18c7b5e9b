/** fs-verity (Documentation/filesystems/fsverity.rst): files that the kernel keeps from changing, and their digests. */

import { bind, errnoName } from './libc.js';

const ioctlCall = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');

/** _IOWR('f', 134, struct fsverity_digest), which is two 16-bit numbers before the digest. */
const FS_IOC_MEASURE_VERITY = 0xc0046686;
const HEADER_BYTES = 4;
const MAX_DIGEST_BYTES = 64;
/** The file system, the kernel or this file has no fs-verity. */
const WITHOUT = ['ENODATA', 'ENOTTY', 'EOPNOTSUPP', 'ENOTSUP'];

export interface FileMeasurement {
  /** FS_VERITY_HASH_ALG_*: 1 is SHA-256, 2 SHA-512. */
  readonly algorithm: number;
  readonly digest: Buffer;
}

/**
 * The digest of an open file that has fs-verity: the kernel holds every read of it to that, for ever. undefined where
 * the file has none.
 */
export function measureVerity(fd: number): FileMeasurement | undefined {
  const argument = Buffer.alloc(HEADER_BYTES + MAX_DIGEST_BYTES);
  argument.writeUInt16LE(MAX_DIGEST_BYTES, 2);
  try {
    ioctlCall([fd, FS_IOC_MEASURE_VERITY, argument], 'FS_IOC_MEASURE_VERITY');
  } catch (error) {
    if (WITHOUT.includes(errnoName(error) ?? '')) return undefined;
    throw error;
  }
  const end = HEADER_BYTES + argument.readUInt16LE(2);
  return { algorithm: argument.readUInt16LE(0), digest: argument.subarray(HEADER_BYTES, end) };
}
