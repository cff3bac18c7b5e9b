import { BOUND, type Kind, SHARED } from '../kind.js';
import { isEmptyDir } from './empty-dir-path.js';

/** emptyDir on the node's disk. */
export const emptyDir: Kind = {
  kind: 'emptydir',
  matches: (facts) =>
    isEmptyDir(facts)
      ? 'its directory lies in kubernetes.io~empty-dir and is no mount of tmpfs or hugetlbfs'
      : undefined,
  route: (_facts, { guest, guestLocal }) => {
    if (!guest) return BOUND;
    if (!guestLocal.includes('dir'))
      return { ...SHARED, reason: 'the sandbox has no disk of its own, so it is shared' };
    return { route: 'guest-local', reason: 'it lives and dies with the pod, so it is kept inside the sandbox' };
  },
};
