/** Id mappings of user namespaces and of id-mapped mounts (user_namespaces(7), CRI IDMapping). */

import { CribError } from '../errors.js';
import type { IdMapping } from './config.js';

export interface IdMappings {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** (uid_t) -1 is no id. */
const MAX_ID = 2 ** 32 - 2;

/**
 * What Kubernetes asks for and containerd takes: one range for users and one for groups, none of them empty, no id
 * beyond the last one. Throws INVALID_ARGUMENT naming the field below `field`; `names` are those of the two lists.
 */
export function checkIdMappings(mappings: IdMappings, field: string, names: readonly [string, string]): void {
  checkRange(mappings.uids, `${field}.${names[0]}`);
  checkRange(mappings.gids, `${field}.${names[1]}`);
}

function checkRange(ranges: readonly IdMapping[], field: string): void {
  const [range, ...more] = ranges;
  if (range === undefined) throw invalid(field, 'it is empty: users and groups are both mapped, or none of them');
  if (more.length > 0) throw invalid(field, `it has ${ranges.length} ranges; only one is supported`);
  if (range.length < 1) throw invalid(`${field}[0].length`, 'it is 0');
  for (const [name, first] of [
    ['container_id', range.containerId],
    ['host_id', range.hostId],
  ] as const) {
    const last = first + range.length - 1;
    if (last > MAX_ID) throw invalid(`${field}[0].${name}`, `${first} to ${last} goes beyond the last id, ${MAX_ID}`);
  }
}

/** Throws INVALID_ARGUMENT unless the namespace has a root: without one nothing can be set up in it. */
export function checkRootMapped(mappings: IdMappings, field: string): void {
  if (toHostId(mappings.uids, 0) === undefined) throw invalid(`${field}.uids`, 'container id 0 is not mapped');
  if (toHostId(mappings.gids, 0) === undefined) throw invalid(`${field}.gids`, 'container id 0 is not mapped');
}

/** The id outside of the namespace; undefined where it is not mapped. */
export function toHostId(ranges: readonly IdMapping[], id: number): number | undefined {
  const range = ranges.find(({ containerId, length }) => id >= containerId && id < containerId + length);
  return range === undefined ? undefined : range.hostId + (id - range.containerId);
}

/** The host's ids of the namespace's root; without one, or where it has none, root's own. */
export function rootOf(mappings: IdMappings | undefined): { readonly uid: number; readonly gid: number } {
  if (mappings === undefined) return { uid: 0, gid: 0 };
  return { uid: toHostId(mappings.uids, 0) ?? 0, gid: toHostId(mappings.gids, 0) ?? 0 };
}

/** The same range or ranges, in the same order. */
export function sameMappings(a: IdMappings, b: IdMappings): boolean {
  const text = ({ uids, gids }: IdMappings) =>
    JSON.stringify([uids, gids].map((ranges) => ranges.map((r) => [r.containerId, r.hostId, r.length])));
  return text(a) === text(b);
}

function invalid(field: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `${field}: ${why}`);
}
