import type { Kind } from '../kind.js';

export const blockDevice: Kind = {
  kind: 'block-device',
  matches: (facts) => (facts.type === 'block' ? 'its source is a block device node' : undefined),
  route: (_facts, { guest }) =>
    guest
      ? { route: 'refused', reason: 'a block device of the host cannot be handed to this sandbox' }
      : { route: 'device', reason: 'its node is bind-mounted; the device cgroup decides on access' },
};
