import { BOUND, isWithin, type Kind } from '../kind.js';

/** The kernel's own file systems, told by the source: a log collector may mount the host's /proc at /host/proc. */
export const system: Kind = {
  kind: 'system',
  matches: (facts) => {
    const root = ['/proc', '/sys'].find((candidate) => isWithin(facts.realPath, candidate));
    return root === undefined ? undefined : `its source is the host's ${root}`;
  },
  routes: ({ guest }) => [
    guest ? { route: 'skipped', reason: 'the sandbox has a kernel of its own, which serves its own' } : BOUND,
  ],
};
