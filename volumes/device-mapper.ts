/** Block devices of the device mapper (LVM, LUKS, multipath) told from all others. */

import fs from 'node:fs/promises';

/**
 * The device's name in the device mapper; undefined for every other device. The kernel has a directory `dm` below the
 * device of each of its own (Documentation/ABI/testing/sysfs-block-dm). `sysfs` is a test's.
 */
export async function mapperNameOf(major: number, minor: number, sysfs = '/sys'): Promise<string | undefined> {
  const name = await fs.readFile(`${sysfs}/dev/block/${major}:${minor}/dm/name`, 'utf8').catch(() => undefined);
  return name?.trim();
}
