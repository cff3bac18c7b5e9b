import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { boundOrShared, type Kind } from '../kind.js';
import { isEmptyDir } from './empty-dir-path.js';

/** emptyDir with `medium: HugePages`. */
export const hugepages: Kind = {
  kind: 'hugepages',
  matches: (facts) =>
    isEmptyDir(facts) && facts.filesystemMagic === FS_MAGIC.HUGETLBFS
      ? 'its directory lies in kubernetes.io~empty-dir and is a hugetlbfs mount'
      : undefined,
  route: boundOrShared,
};
