/**
 * What a container mounts of a volume by subPath, for pods that no kubelet looks after: bound at a path that no container
 * can reach, in the kubelet's own layout (pkg/volume/util/subpath), so that whatever the pod does to its volume
 * afterwards, that path means what was opened.
 */

import fs from 'node:fs';
import path from 'node:path';
import { MS, O } from '../runtime/linux/constants.js';
import { cloneTree, setMountAttributes } from '../runtime/linux/mounts.js';
import { checkName } from './local.js';
import type { Watch } from './shared/attack.js';
import { attachEntry, detachEntry } from './shared/entries.js';
import { openSubPath } from './sub-path.js';

export interface LocalSubPath {
  readonly podUid: string;
  /** Names in the pod's manifest. */
  readonly volume: string;
  readonly container: string;
  /** Of the mount among those of the container. */
  readonly index: number;
  /** Directory of the volume. */
  readonly directory: string;
  readonly subPath: string;
}

/**
 * Binds it and returns the path; again, it is what the subPath means now. Directories that are missing are made. Throws
 * as openSubPath does. `removePodVolumes` takes it down.
 */
export async function bindSubPath(podsRoot: string, part: LocalSubPath, watch: Watch): Promise<string> {
  checkName('pod uid', part.podUid);
  checkName('volume name', part.volume);
  checkName('container name', part.container);
  const parent = path.join(path.resolve(podsRoot), part.podUid, 'volume-subpaths', part.volume, part.container);
  const tree = openPart(part, watch);
  try {
    fs.mkdirSync(parent, { recursive: true, mode: 0o750 });
    const fd = fs.openSync(parent, O.PATH | O.DIRECTORY | O.CLOEXEC);
    try {
      const directory = { fd, path: parent };
      await detachEntry(directory, String(part.index), watch);
      attachEntry(directory, String(part.index), tree);
    } finally {
      fs.closeSync(fd);
    }
  } finally {
    fs.closeSync(tree);
  }
  return path.join(parent, String(part.index));
}

function openPart({ directory, subPath }: LocalSubPath, watch: Watch): number {
  const volume = fs.openSync(directory, O.PATH | O.DIRECTORY | O.CLOEXEC);
  try {
    const part = openSubPath(volume, subPath, watch);
    try {
      const tree = cloneTree(part, '', true);
      setMountAttributes(tree, { propagation: MS.PRIVATE }, true);
      return tree;
    } finally {
      fs.closeSync(part);
    }
  } finally {
    fs.closeSync(volume);
  }
}
