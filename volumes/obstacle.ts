/** Why a mount that would be kept inside the sandbox is shared from the host instead. */

import type { Kind } from './kind.js';
import type { MountFacts, VolumeContext } from './types.js';
import { isVerified } from './verity/verified-volume.js';

/** undefined: nothing is in the way. `readonly` is the access that was asked for. */
export function obstacleToGuest(
  { kind }: Kind,
  facts: MountFacts,
  readonly: boolean,
  context: VolumeContext,
): string | undefined {
  const { volume } = facts;
  // A directory that none of the pod's volumes has: the pod's manifest is what tells that it is an emptyDir.
  if (volume === undefined) return undefined;
  if (isVerified(facts, context)) return 'its content is checked where it is';
  if (kind === 'config') {
    if (volume.subPath !== '') return 'it is a part of a volume, which the kubelet never updates';
    if (!readonly) return 'it is mounted writable, and writes to a copy would be lost';
  }
  return context.guestObstacle?.(volume.directory);
}
