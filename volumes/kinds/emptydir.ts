import { BOUND, type Kind, SHARED } from '../kind.js';
import { emptyDirSubject, isEmptyDir } from '../pod-volume.js';

/** emptyDir on the node's disk. */
export const emptyDir: Kind = {
  kind: 'emptydir',
  matches: (facts) =>
    isEmptyDir(facts)
      ? `${emptyDirSubject(facts)} lies in kubernetes.io~empty-dir and is no mount of tmpfs or hugetlbfs`
      : undefined,
  routes: ({ guest, guestLocal }) => {
    if (!guest) return [BOUND];
    if (!guestLocal.includes('dir')) {
      return [{ ...SHARED, reason: 'the sandbox has no disk of its own, so it is shared' }];
    }
    const reason = 'it lives and dies with the pod, so it is kept inside the sandbox';
    return [{ route: 'guest-local', reason }, SHARED];
  },
};
