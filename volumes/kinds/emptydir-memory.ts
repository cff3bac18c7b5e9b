import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { BOUND, type Kind, SHARED } from '../kind.js';
import { emptyDirSubject, isEmptyDir } from '../pod-volume.js';

/** emptyDir with `medium: Memory`: the kubelet has mounted a tmpfs on the volume's directory itself. */
export const emptyDirMemory: Kind = {
  kind: 'emptydir-memory',
  matches: (facts) =>
    isEmptyDir(facts) && facts.filesystemMagic === FS_MAGIC.TMPFS && facts.volume?.isMount === true
      ? `${emptyDirSubject(facts)} lies in kubernetes.io~empty-dir and is a tmpfs mount`
      : undefined,
  routes: ({ guest, guestLocal }) => {
    if (!guest) return [BOUND];
    if (!guestLocal.includes('tmpfs')) {
      return [{ ...SHARED, reason: 'the sandbox has no tmpfs of its own, so it is shared' }];
    }
    const reason = 'it lives in memory and dies with the pod, so it is a tmpfs in the sandbox';
    return [{ route: 'guest-local', reason }, SHARED];
  },
};
