/** A tmpfs at /tmp, where that hides nothing (the rule of gVisor, runsc/boot/vfs.go mountTmp). */

import fs from 'node:fs';
import { O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import { isWithin } from './kind.js';
import type { PreparedVolume, VolumePolicy } from './types.js';

const TMP = '/tmp';

/** The policy wants one, and no mount goes to /tmp or below it. */
export function wantsTmp({ tmp }: Pick<VolumePolicy, 'tmp'>, destinations: readonly string[]): boolean {
  return tmp === 'tmpfs' && !destinations.some((destination) => isWithin(destination, TMP));
}

/** The image has nothing there: no /tmp, or an empty directory. A symlink may lead to what is in use: that is something. */
export function hasEmptyTmp(rootfs: string): boolean {
  let root: number | undefined;
  let tmp: number | undefined;
  try {
    root = fs.openSync(rootfs, O.PATH | O.DIRECTORY | O.CLOEXEC);
    tmp = openat2(root, TMP.slice(1), O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
    return fs.readdirSync(`/proc/self/fd/${tmp}`).length === 0;
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return errnoName(error) === 'ENOENT';
  } finally {
    if (tmp !== undefined) fs.closeSync(tmp);
    if (root !== undefined) fs.closeSync(root);
  }
}

/** Its use counts as the container's memory. */
export const TMP_VOLUME: PreparedVolume = {
  decision: {
    containerPath: TMP,
    hostPath: '',
    kind: 'tmp',
    route: 'guest-local',
    reason: 'nothing is mounted there and the image has nothing in it; the policy gives it a tmpfs',
    readonly: false,
    driver: 'tmpfs',
  },
  mount: { destination: TMP, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
};
