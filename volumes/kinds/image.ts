import { boundOrShared, type Kind } from '../kind.js';
import type { MountFacts } from '../types.js';

/**
 * An image mounted as a volume (KEP-4639). Nothing about its directory tells it from others: it is recognised by what
 * was asked for, before the registry is gone through.
 */
export const image: Kind = {
  kind: 'image',
  matches: (_facts: MountFacts) => undefined,
  routes: boundOrShared,
};
