/** Why a mount that would be kept inside the sandbox is shared from the host instead. */

import type { MountConfig } from '../runtime/containers/config.js';
import type { Kind } from './kind.js';
import type { MountFacts, VolumeContext } from './types.js';
import { isVerified } from './verity/verified-volume.js';

/** undefined: nothing is in the way. */
export function obstacleToGuest(
  { kind }: Kind,
  facts: MountFacts,
  { readonly, propagation }: Pick<MountConfig, 'readonly' | 'propagation'>,
  context: VolumeContext,
): string | undefined {
  const { volume } = facts;
  // A directory that none of the pod's volumes has: the pod's manifest is what tells that it is an emptyDir.
  if (volume === undefined) return undefined;
  if (isVerified(facts, context)) return 'its content is checked where it is';
  if (propagation !== 'private') return 'mounts of the host are to appear in it';
  if (kind === 'config') {
    if (volume.subPath !== '') return 'it is a part of a volume, which the kubelet never updates';
    if (!readonly) return 'it is mounted writable, and writes to a copy would be lost';
  }
  return context.guestObstacle?.(volume.directory);
}
