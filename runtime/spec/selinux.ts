/** SELinux labels of a container (CRI SELinuxOption), where the host has SELinux. */

import type { ContainerSecurity, SelinuxOptions } from '../containers/config.js';
import { invalid } from './checks.js';
import type { HostFacts } from './types.js';

const FIELD = 'config.linux.security_context.selinux_options';

export interface SelinuxLabels {
  /** process.selinuxLabel. */
  readonly process: string;
  /** linux.mountLabel; also that of the root file system, and of volumes that are to be relabelled. */
  readonly mount: string;
}

/**
 * undefined: none, as where the host has no SELinux (containerd and CRI-O ignore the options there too), where the
 * container is privileged, and where none are asked for. Throws INVALID_ARGUMENT naming the part that is not one.
 */
export function selinuxLabels({ selinux, privileged }: ContainerSecurity, host: HostFacts): SelinuxLabels | undefined {
  if (selinux === undefined || privileged || !host.selinux) return undefined;
  for (const part of ['user', 'role', 'type', 'level'] as const) checkPart(part, selinux);
  const level = selinux.level || 's0';
  return {
    process: [selinux.user || 'system_u', selinux.role || 'system_r', selinux.type || 'container_t', level].join(':'),
    mount: [selinux.user || 'system_u', 'object_r', 'container_file_t', level].join(':'),
  };
}

/** A level has colons of its own (`s0:c1,c2`), the other parts are identifiers. */
function checkPart(part: keyof SelinuxOptions, selinux: SelinuxOptions): void {
  const allowed = part === 'level' ? /^[A-Za-z0-9_:.,-]*$/ : /^[A-Za-z0-9_]*$/;
  if (allowed.test(selinux[part])) return;
  throw invalid(`${FIELD}.${part}`, `${JSON.stringify(selinux[part])} is not part of a SELinux label`);
}
