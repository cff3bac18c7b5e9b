/** Seccomp and SELinux of a container, and the paths of /proc and /sys that are hidden from it. */

import type { SelinuxOptions } from '../containers/config.js';
import { CribError } from '../errors.js';
import { checkAbsolute, invalid } from './checks.js';
import { defaultSeccomp, type Seccomp } from './seccomp/default.js';
import { localhostSeccomp } from './seccomp/profile.js';
import type { SpecInput } from './types.js';

const FIELD = 'config.linux.security_context';

/**
 * linux.seccomp; undefined: none, as for a privileged container, `unconfined`, and a client that named no profile.
 * Throws FAILED_PRECONDITION when a profile is asked for and the kernel has no seccomp: never silently without.
 */
export function seccompProfile(input: SpecInput, bounding: readonly string[]): Seccomp | undefined {
  const { seccomp, privileged } = input.config.security;
  if (privileged || seccomp === undefined || seccomp.type === 'unconfined') return undefined;
  if (!input.host.seccomp) {
    throw new CribError('FAILED_PRECONDITION', `${FIELD}.seccomp: this kernel has no seccomp filters`);
  }
  if (seccomp.type === 'localhost') return localhostSeccomp(input.localhostSeccomp, bounding);
  return defaultSeccomp(bounding);
}

/** process.selinuxLabel and linux.mountLabel; nothing where the host has no SELinux, or the container is privileged. */
export function selinuxLabels(input: SpecInput): { process: string; mount: string } | undefined {
  const { selinux, privileged } = input.config.security;
  if (selinux === undefined || privileged || !input.host.selinux) return undefined;
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
  throw invalid(`${FIELD}.selinux_options.${part}`, `${JSON.stringify(selinux[part])} is not part of a SELinux label`);
}

/** Verbatim, as a kubelet sends them: an empty list is its way to say "none" (procMount: Unmasked). */
export function hiddenPaths(input: SpecInput): { masked: string[]; readonly: string[] } {
  const { maskedPaths, readonlyPaths, privileged } = input.config.security;
  if (privileged) return { masked: [], readonly: [] };
  return {
    masked: maskedPaths.map((path, index) => checkAbsolute(`${FIELD}.masked_paths[${index}]`, path)),
    readonly: readonlyPaths.map((path, index) => checkAbsolute(`${FIELD}.readonly_paths[${index}]`, path)),
  };
}
