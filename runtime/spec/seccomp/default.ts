/** The runtime's default seccomp profile (CRI SecurityProfile RuntimeDefault). */

import { ALWAYS, BY_ARCHITECTURE, BY_CAPABILITY } from './syscalls.js';

/** OCI runtime spec, linux.seccomp (config-linux.md). */
export interface Seccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArg[];
}

export interface SeccompArg {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

const ALLOW = 'SCMP_ACT_ALLOW';
const ENOSYS = 38;

/** All namespaces but time's: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e020000;

/** personality(2): PER_LINUX, PER_LINUX32, each with UNAME26, and the query. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** AF_ALG (38, the kernel's crypto) and AF_VSOCK (40, the hypervisor) are left out; 1 to 37 is AF_UNIX to AF_CAIF. */
const SOCKET_FAMILIES_BELOW = 38;
/** AF_NFC, AF_KCM, AF_QIPCRTR, AF_SMC, AF_XDP, AF_MCTP. */
const SOCKET_FAMILIES = [39, 41, 42, 43, 44, 45];

/**
 * The default profile for a container with these capabilities (`CAP_CHOWN`) in its bounding set. `architecture` is
 * Node's `process.arch`. One condition for each rule: runc makes alternatives of several on one argument (runc #2735).
 */
export function defaultSeccomp(bounding: readonly string[], architecture: string = process.arch): Seccomp {
  const machine = BY_ARCHITECTURE[architecture] ?? { names: [], calls: [] };
  const allowed = [...ALWAYS, ...machine.calls];
  for (const capability of bounding) allowed.push(...(BY_CAPABILITY[capability] ?? []));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: machine.names,
    syscalls: [
      { names: [...new Set(allowed)], action: ALLOW },
      allowWhen('socket', { index: 0, value: SOCKET_FAMILIES_BELOW, op: 'SCMP_CMP_LT' }),
      ...SOCKET_FAMILIES.map((value) => allowWhen('socket', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      ...PERSONALITIES.map((value) => allowWhen('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      ...(bounding.includes('CAP_SYS_ADMIN') ? [] : cloneRules(architecture)),
    ],
  };
}

function allowWhen(name: string, arg: SeccompArg): SeccompRule {
  return { names: [name], action: ALLOW, args: [arg] };
}

/**
 * Without CAP_SYS_ADMIN a clone may make no namespace. clone3's flags lie behind a pointer: ENOSYS makes the C library
 * fall back to clone (moby #42681). On s390 the flags are the second argument (clone(2)).
 */
function cloneRules(architecture: string): SeccompRule[] {
  const index = architecture.startsWith('s390') ? 1 : 0;
  return [
    allowWhen('clone', { index, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}
