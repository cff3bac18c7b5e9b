/** OCI linux.namespaces: joined by path, made new, or the host's (then left out). */

import type { IdMapping } from '../containers/config.js';
import type { IdMappings } from '../containers/id-mappings.js';
import { checkAbsolute } from './checks.js';
import type { SpecInput } from './types.js';

export interface Namespace {
  readonly type: string;
  readonly path?: string;
}

export function namespaces(input: SpecInput): Namespace[] {
  const { network, ipc, uts, pid, user } = input.namespaces;
  return [
    ...namespace('user', user?.path ?? 'host'),
    { type: 'mount' },
    ...namespace('network', network),
    ...namespace('ipc', ipc),
    ...namespace('uts', uts),
    ...namespace('pid', pid),
    ...(hasCgroupNamespace(input) ? [{ type: 'cgroup' }] : []),
  ];
}

/** linux.uidMappings and gidMappings: runtimes want them also for a namespace that they join, to know who its root is. */
export function idMappingsOf({ uids, gids }: IdMappings): { uidMappings: OciMapping[]; gidMappings: OciMapping[] } {
  return { uidMappings: uids.map(ociMapping), gidMappings: gids.map(ociMapping) };
}

interface OciMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

function ociMapping({ containerId, hostId, length }: IdMapping): OciMapping {
  return { containerID: containerId, hostID: hostId, size: length };
}

/** On cgroup v2 only, and not for privileged containers, which see the host's hierarchy (KEP-2254). */
export function hasCgroupNamespace(input: SpecInput): boolean {
  return input.host.cgroupVersion === 2 && !input.config.security.privileged;
}

function namespace(type: string, where: string): Namespace[] {
  if (where === 'host') return [];
  if (where === 'new') return [{ type }];
  return [{ type, path: checkAbsolute(`the pod's ${type} namespace`, where) }];
}
