/** Seccomp of a container, and the paths of /proc and /sys that are hidden from it. */

import { CribError } from '../errors.js';
import { checkAbsolute } from './checks.js';
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

/** Verbatim, as a kubelet sends them: an empty list is its way to say "none" (procMount: Unmasked). */
export function hiddenPaths(input: SpecInput): { masked: string[]; readonly: string[] } {
  const { maskedPaths, readonlyPaths, privileged } = input.config.security;
  if (privileged) return { masked: [], readonly: [] };
  return {
    masked: maskedPaths.map((path, index) => checkAbsolute(`${FIELD}.masked_paths[${index}]`, path)),
    readonly: readonlyPaths.map((path, index) => checkAbsolute(`${FIELD}.readonly_paths[${index}]`, path)),
  };
}
