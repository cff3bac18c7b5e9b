/** Whether the mount that a source lies on can do what a request asks of it (CRI Mount.propagation). */

import type { MountConfig } from '../runtime/containers/config.js';
import { CribError } from '../runtime/errors.js';
import type { MountInfo } from '../runtime/linux/mountinfo.js';
import type { MountFacts } from './types.js';

/**
 * A bind mount receives what is mounted on the host later only where its source is shared or a slave, and passes mounts
 * on only where it is shared (mount_namespaces(7)). Otherwise the request would quietly do nothing: FAILED_PRECONDITION.
 */
export function checkPropagation(
  { propagation }: Pick<MountConfig, 'propagation'>,
  facts: MountFacts,
  mount: Pick<MountInfo, 'tags'> | undefined,
  field: string,
): void {
  if (propagation === 'private') return;
  const isShared = mount?.tags.some((tag) => tag.startsWith('shared:')) ?? false;
  const isSlave = mount?.tags.some((tag) => tag.startsWith('master:')) ?? false;
  if (isShared || (isSlave && propagation === 'host-to-container')) return;
  const needed = propagation === 'bidirectional' ? 'a shared mount' : 'a shared or slave mount';
  throw new CribError(
    'FAILED_PRECONDITION',
    `${field}.propagation: path "${facts.realPath}" is mounted on "${facts.mountPoint}" but it is not ${needed}: run \`mount --make-rshared ${facts.mountPoint}\` on the host`,
  );
}
