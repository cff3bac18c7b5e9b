/** Mounts overlays of many layers, on kernels of any age. */

import fs from 'node:fs';
import path from 'node:path';
import { O } from '../linux/constants.js';
import { type MountOptions, mount, mountByOptions } from '../linux/mounts.js';
import { commonDirectory } from './id-mapped-layers.js';

/** mount(2) copies its data argument from one page (mount(2), "Historical"). */
const MOUNT_DATA_MAX = 4095;

export interface Overlay {
  /** Absolute directories, topmost first. */
  readonly layers: readonly string[];
  /** Lower than those, and elsewhere. */
  readonly below?: readonly string[];
  /** overlayfs' other options, and SELinux's `context`. */
  readonly options?: MountOptions;
  /** MS.RDONLY, whose number is MOUNT_ATTR.RDONLY's too. */
  readonly flags?: number;
}

/**
 * Mounts it at `target`. Where the names of the layers do not fit into a page they are given relative to the directory that
 * holds them all, as containerd does; where that is too long as well, one by one, which takes Linux 6.5.
 */
export function mountOverlay(target: string, { layers, below = [], options = [], flags = 0 }: Overlay): void {
  const lower = [...layers, ...below];
  const whole = dataOf(lower, options);
  if (whole.length <= MOUNT_DATA_MAX) {
    mount('overlay', target, 'overlay', flags, whole);
    return;
  }
  const base = commonDirectory(layers);
  const relative = dataOf([...layers.map((layer) => path.relative(base, layer)), ...below], options);
  if (relative.length <= MOUNT_DATA_MAX) within(base, () => mount('overlay', target, 'overlay', flags, relative));
  else mountByOptions('overlay', target, [...lower.map((one) => ['lowerdir+', one] as const), ...options], flags);
}

function dataOf(lower: readonly string[], options: MountOptions): string {
  const texts = options.map(([key, value]) => {
    if (value === null) return key;
    return key === 'context' ? `context="${value}"` : `${key}=${value}`; // a label may have commas
  });
  return [`lowerdir=${lower.join(':')}`, ...texts].join(',');
}

/** Calls with `directory` as the working directory, of which nothing else in the process makes use. */
function within(directory: string, use: () => void): void {
  const before = fs.openSync('.', O.PATH | O.DIRECTORY | O.CLOEXEC);
  try {
    process.chdir(directory);
    use();
  } finally {
    process.chdir(`/proc/self/fd/${before}`);
    fs.closeSync(before);
  }
}
