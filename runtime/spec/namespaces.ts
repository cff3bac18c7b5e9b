/** OCI linux.namespaces: joined by path, made new, or the host's (then left out). */

import { CribError } from '../errors.js';
import { checkAbsolute } from './checks.js';
import type { SpecInput } from './types.js';

export interface Namespace {
  readonly type: string;
  readonly path?: string;
}

/** Throws UNIMPLEMENTED when a user namespace is asked for: contained here means contained, never silently not. */
export function namespaces(input: SpecInput): Namespace[] {
  if (input.config.security.namespaces.user?.mode === 'pod') {
    const field = 'config.linux.security_context.namespace_options.userns_options';
    throw new CribError('UNIMPLEMENTED', `${field}: user namespaces are not supported yet`);
  }
  const { network, ipc, uts, pid } = input.namespaces;
  return [
    { type: 'mount' },
    ...namespace('network', network),
    ...namespace('ipc', ipc),
    ...namespace('uts', uts),
    ...namespace('pid', pid),
    ...(hasCgroupNamespace(input) ? [{ type: 'cgroup' }] : []),
  ];
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
