/** Giving privileges up: no_new_privs and capability sets of the calling thread. */

import { PR } from './constants.js';
import { bind } from './libc.js';

const prctlCall = bind(
  'prctl',
  'int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const capsetCall = bind('capset', 'int capset(void *header, void *data)');

/** Capability numbers (linux/capability.h). */
export const CAP = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  SYS_CHROOT: 18,
  SYS_ADMIN: 21,
  MKNOD: 27,
  SETFCAP: 31,
} as const;

/** prctl(2) PR_SET_NO_NEW_PRIVS: no execve gives more privileges from now on. */
export function setNoNewPrivileges(): void {
  prctlCall([PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0], 'PR_SET_NO_NEW_PRIVS');
}

/** capset(2): the calling thread keeps only these (CAP.*) in its permitted and effective sets, and inherits none. */
export function keepCapabilities(numbers: readonly number[]): void {
  const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
  const header = Buffer.alloc(8);
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  const data = Buffer.alloc(24);
  let kept = 0n;
  for (const number of numbers) kept |= 1n << BigInt(number);
  for (const [index, offset] of [0, 12].entries()) {
    const word = Number((kept >> BigInt(32 * index)) & 0xffff_ffffn);
    data.writeUInt32LE(word, offset);
    data.writeUInt32LE(word, offset + 4);
  }
  capsetCall([header, data]);
}
