/** The user namespace of a pod: who may have one, and that its containers ask for the same. */

import type { ContainerConfig, NamespaceOptions } from '../runtime/containers/config.js';
import { sameMappings } from '../runtime/containers/id-mappings.js';
import { CribError } from '../runtime/errors.js';
import type { SandboxCapabilities } from '../volumes/types.js';
import type { PodConfig } from './config.js';
import type { PodRecord } from './pod-record.js';

const OPTIONS = 'linux.security_context.namespace_options';

/**
 * Throws INVALID_ARGUMENT for a pod with a user namespace that wants namespaces of the host too (nothing in it may change
 * those: proc and sysfs could not be mounted), FAILED_PRECONDITION where the sandbox has no user namespaces.
 */
export function checkUserNamespace(config: PodConfig, handler: string, capabilities: SandboxCapabilities): void {
  const { namespaces } = config.security;
  if (namespaces.user === undefined) return;
  for (const kind of ['network', 'pid', 'ipc'] as const) {
    if (namespaces[kind] === 'node') throw notWithHost(`config.${OPTIONS}.${kind}`);
  }
  if (capabilities.idmap) return;
  throw new CribError(
    'FAILED_PRECONDITION',
    `config.${OPTIONS}.userns_options: runtime_handler ${handler} cannot run pods in user namespaces here: ${capabilities.idmapObstacle}`,
  );
}

/** Throws INVALID_ARGUMENT unless the container asks for the user namespace that its pod has. */
export function checkSameUserNamespace(pod: PodRecord, { security: { namespaces } }: ContainerConfig): void {
  const { user } = pod.namespaces;
  const asked = namespaces.user;
  if (user === undefined ? asked !== undefined : asked === undefined || !sameMappings(user, asked)) {
    throw new CribError(
      'INVALID_ARGUMENT',
      `config.${OPTIONS}.userns_options: ${described(asked)}, but the pod sandbox was made with ${described(user)}`,
    );
  }
  if (user !== undefined && namespaces.pid === 'node') throw notWithHost(`config.${OPTIONS}.pid`);
}

function notWithHost(field: string): CribError {
  return new CribError('INVALID_ARGUMENT', `${field}: NODE cannot be combined with a user namespace`);
}

function described(user: Pick<NonNullable<NamespaceOptions['user']>, 'uids' | 'gids'> | undefined): string {
  if (user === undefined) return "the host's user namespace";
  const [uids, gids] = [user.uids, user.gids].map((ranges) =>
    ranges.map((range) => `${range.containerId}:${range.hostId}:${range.length}`).join(','),
  );
  return `uids ${uids} and gids ${gids} (container:host:length)`;
}
