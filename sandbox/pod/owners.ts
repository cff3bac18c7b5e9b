/** Users and groups of containers, by the host's ids. */

import type { IdMapping } from '../../runtime/containers/config.js';
import { toHostId } from '../../runtime/containers/id-mappings.js';
import type { ContainerRecord } from '../container-record.js';

/** The host's id of a user or group of the container; the same one without a user namespace, or where it maps none. */
export function outside(ranges: readonly IdMapping[] | undefined, id: number): number {
  return (ranges && toHostId(ranges, id)) ?? id;
}

/** Whose the stdio of a container is: its user's. */
export function ownerOf({ config, user }: ContainerRecord): { uid: number; gid: number } {
  const mapped = config.security.namespaces.user;
  return { uid: outside(mapped?.uids, user.uid), gid: outside(mapped?.gids, user.gid) };
}
