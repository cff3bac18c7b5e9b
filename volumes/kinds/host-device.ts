import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { isWithin, type Kind } from '../kind.js';
import type { MountFacts } from '../types.js';

/** Device nodes anywhere, and directories of /dev itself (/dev/snd); not a tmpfs that is mounted below it (/dev/shm). */
function evidence(facts: MountFacts): string | undefined {
  if (facts.type === 'character') return 'its source is a character device node';
  if (facts.type !== 'directory' || !isWithin(facts.realPath, '/dev')) return undefined;
  const ofDevices = facts.mountPoint === '/dev' || facts.filesystemMagic === FS_MAGIC.DEVPTS;
  return ofDevices ? "its source is a directory of the host's devices" : undefined;
}

export const hostDevice: Kind = {
  kind: 'host-device',
  matches: evidence,
  routes: ({ guest }) =>
    guest
      ? [{ route: 'refused', reason: "the sandbox has a kernel of its own, for which the host's devices do not exist" }]
      : [{ route: 'device', reason: 'it is bind-mounted; the device cgroup decides on access' }],
};
