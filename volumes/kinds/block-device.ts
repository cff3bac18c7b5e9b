import type { Kind } from '../kind.js';
import type { DeviceFacts } from '../types.js';

export const blockDevice: Kind = {
  kind: 'block-device',
  matches: ({ type, node }) =>
    type === 'block' ? `its source is a block device node${node === undefined ? '' : described(node)}` : undefined,
  routes: ({ guest }) =>
    guest
      ? [{ route: 'refused', reason: 'a block device of the host cannot be handed to this sandbox' }]
      : [{ route: 'device', reason: 'its node is bind-mounted; the device cgroup decides on access' }],
};

/** A device of the device mapper has no number of its own: it gets the next one that is free when it is activated. */
function described({ major, minor, mapperName }: DeviceFacts): string {
  return mapperName === undefined ? ` (${major}:${minor})` : ` (${mapperName} of the device mapper)`;
}
