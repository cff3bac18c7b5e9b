import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { boundOrShared, type Kind } from '../kind.js';
import { emptyDirSubject, isEmptyDir } from '../pod-volume.js';

/** emptyDir with `medium: HugePages`. */
export const hugepages: Kind = {
  kind: 'hugepages',
  matches: (facts) =>
    isEmptyDir(facts) && facts.filesystemMagic === FS_MAGIC.HUGETLBFS
      ? `${emptyDirSubject(facts)} lies in kubernetes.io~empty-dir and is a hugetlbfs mount`
      : undefined,
  routes: boundOrShared,
};
