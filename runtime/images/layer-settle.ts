/** Completes an unpacked layer from those below it, in a process of its own only where names of layers have to be followed. */

import fs from 'node:fs/promises';
import { errnoName } from '../linux/libc.js';
import type { LayerLimits } from './layer-pull.js';
import type { LayerStore } from './layers.js';
import { onDisk } from './unpack/paths.js';
import type { Pending, SettleReport } from './unpack/protocol.js';
import { settleRoot } from './unpack/settle.js';
import { settleLayer } from './unpacker.js';

export interface LayerSettling {
  readonly layers: LayerStore;
  readonly limits: LayerLimits;
  readonly unpackerScript: string;
}

/** More top directories than images have that their archives name no entry of. */
const MAX_TOPS = 16;

/**
 * `prepared`: the layer, as LayerStore.prepare named it; `lowers`: chain ids, the highest first. Returns what was added.
 * Throws what unpack/settle.ts refuses the layer with.
 */
export async function settleUnpacked(
  { layers, limits, unpackerScript }: LayerSettling,
  prepared: string,
  lowers: readonly string[],
  pending: Pending,
  signal: AbortSignal,
): Promise<SettleReport> {
  const own = layers.preparedContentOf(prepared);
  const contents = lowers.map((lower) => layers.contentOf(lower));
  if (await onlyRootIsPending(pending, contents)) {
    if (pending.implicit.includes('')) settleRoot(own, contents[0]);
    return { addedBytes: 0, addedInodes: 0 };
  }
  const relative = (content: string) => content.slice(layers.root.length + 1);
  const task = {
    directory: layers.root,
    maxBytes: limits.maxLayerBytes,
    layer: relative(own),
    lowers: contents.map(relative),
  };
  return settleLayer(unpackerScript, task, pending, signal);
}

/**
 * Whether no hard link waits, and the implicit directories lie where none of `lowers` (absolute) has anything, so that
 * they stay as the unpacker left them. Looks only at the lower layers' own top entries, and at few.
 */
export async function onlyRootIsPending({ implicit, links }: Pending, lowers: readonly string[]): Promise<boolean> {
  if (links.length > 0) return false;
  const tops = new Set<string>();
  for (const path of implicit) {
    if (path !== '') tops.add(path.split('/', 1)[0] ?? '');
    if (tops.size > MAX_TOPS) return false;
  }
  const paths = [...tops].flatMap((top) => lowers.map((lower) => onDisk(top, lower)));
  return (await Promise.all(paths.map(isMissing))).every(Boolean);
}

function isMissing(path: string | Buffer): Promise<boolean> {
  return fs.lstat(path).then(
    () => false,
    (error: unknown) => errnoName(error) === 'ENOENT',
  );
}
