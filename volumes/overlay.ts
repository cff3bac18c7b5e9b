/**
 * A layer of the container's own over a writable directory, where the policy asks for one: what is written never reaches
 * the source and goes with the container (gVisor: runsc --overlay2; here by overlayfs, for every sandbox alike).
 */

import fs from 'node:fs';
import path from 'node:path';
import type { MountConfig } from '../runtime/containers/config.js';
import { idMap } from '../runtime/containers/id-mapped-layers.js';
import { mountRootfs, unmountIfMounted } from '../runtime/containers/rootfs.js';
import { CribError } from '../runtime/errors.js';
import { AT, MS } from '../runtime/linux/constants.js';
import { attachTree, setMountAttributes } from '../runtime/linux/mounts.js';
import { cloneSource } from './clone-source.js';
import type { MountTable } from './mount-table.js';

export interface OverlayPlace {
  /** Where the merged tree is mounted; a path of crib's own. */
  readonly target: string;
  /** For the layer, on disk; a path of crib's own. */
  readonly layer: string;
}

type IdMapped = Pick<MountConfig, 'uidMappings' | 'gidMappings'>;

/**
 * Mounts the overlay. The source is bound to a path of crib's own first: a name with `:` or `,` in it would be options of
 * the overlay. Throws FAILED_PRECONDITION naming the field for what an overlay would hide: mounts below the source, which
 * overlayfs does not show, and propagation.
 */
export async function mountOverVolume(
  source: string,
  place: OverlayPlace,
  config: Pick<MountConfig, 'propagation'> & IdMapped,
  table: MountTable,
  field: string,
): Promise<void> {
  const below = table.below(source).find((mountPoint) => mountPoint !== source);
  if (below !== undefined) throw refused(`${field}.host_path`, `${below} is mounted below it`);
  if (config.propagation !== 'private') throw refused(`${field}.propagation`, 'an overlay passes no mounts on');
  const lower = `${place.target}.lower`;
  fs.mkdirSync(lower, { recursive: true, mode: 0o711 });
  bindPrivately(source, lower, config);
  try {
    const { target, layer } = place;
    await mountRootfs([lower], { target, upper: path.join(layer, 'upper'), work: path.join(layer, 'work') });
  } finally {
    // The overlay has a mount of its own of it by now.
    unmountIfMounted(lower);
    fs.rmdirSync(lower);
  }
}

/** With the ids of the container where the request has any: the overlay over it cannot be id-mapped itself. */
function bindPrivately(source: string, target: string, { uidMappings, gidMappings }: IdMapped): void {
  const mappings = { uids: uidMappings, gids: gidMappings };
  const tree = cloneSource(source, false);
  try {
    if (uidMappings.length > 0) idMap(tree, source, mappings);
    setMountAttributes(tree, { propagation: MS.PRIVATE }, false);
    attachTree(tree, AT.FDCWD, target);
  } finally {
    fs.closeSync(tree);
  }
}

function refused(field: string, why: string): CribError {
  return new CribError(
    'FAILED_PRECONDITION',
    `${field}: the configuration wants an overlay on this volume, and ${why}: mount it read-only, or take its kind out of volumes.HANDLER.overlay`,
  );
}
