/**
 * The size limit of an emptyDir on disk. Nothing about its directory tells it and a kubelet notes it nowhere, so who
 * makes the directory for crib (`crib run`) notes it in an extended attribute, which no container can read or set.
 */

import { getXattr, setXattr } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';

const ATTRIBUTE = 'trusted.crib.size-limit';
const WITHOUT_ATTRIBUTES = ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'ENOSPC'];

/** Notes the limit; a file system without such attributes keeps none, and the volume is then as large as its disk. */
export function noteSizeLimit(directory: string, bytes: number): void {
  try {
    setXattr(directory, ATTRIBUTE, Buffer.from(String(bytes)));
  } catch (error) {
    if (!WITHOUT_ATTRIBUTES.includes(errnoName(error) ?? '')) throw error;
  }
}

/** Bytes; undefined where none was noted. */
export function notedSizeLimit(directory: string): number | undefined {
  try {
    const bytes = Number(getXattr(directory, ATTRIBUTE)?.toString('latin1') ?? Number.NaN);
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  }
}
