/** Linux capabilities of a container (capabilities(7), CRI Capability). */

import type { ContainerSecurity } from '../containers/config.js';
import { CribError } from '../errors.js';
import { invalid } from './checks.js';
import type { HostFacts } from './types.js';

const FIELD = 'config.linux.security_context.capabilities';

/** By number (linux/capability.h), 0 to 40. */
export const CAPABILITY_NAMES: readonly string[] = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
  SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
  MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
  .split(/\s+/)
  .filter((name) => name !== '')
  .map((name) => `CAP_${name}`);

/** What a container has unless told otherwise: the same fourteen as with Docker and containerd. */
const DEFAULTS: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
];

/** OCI process.capabilities. */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

/** Names of the bits of a mask as in /proc/PID/status. */
export function capabilitiesOfMask(mask: bigint): string[] {
  return CAPABILITY_NAMES.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
}

/**
 * `ALL` comes first (add, then drop), then single ones are added, then single ones dropped, so that "drop ALL, add X"
 * and "add ALL, drop X" both mean what they say. Privileged: all that this host can give. Inheritable stays empty but
 * for ambient ones (CVE-2022-24769). Throws INVALID_ARGUMENT for an unknown name, FAILED_PRECONDITION for one that
 * this host cannot give.
 */
export function capabilitySets(security: ContainerSecurity, host: HostFacts): CapabilitySets {
  const add = parse('add_capabilities', security.addCapabilities);
  const drop = parse('drop_capabilities', security.dropCapabilities);
  const ambient = [...parse('add_ambient_capabilities', security.addAmbientCapabilities)];
  if (security.privileged) return sets(new Set(host.capabilities), []);
  const ambientNames = ambient.includes('ALL') ? [...host.capabilities] : ambient;
  let held = new Set(DEFAULTS.filter((name) => host.capabilities.includes(name)));
  if (add.has('ALL')) held = new Set(host.capabilities);
  if (drop.has('ALL')) held = new Set();
  for (const name of [...add, ...ambientNames]) {
    if (name === 'ALL') continue;
    requireOnHost(name, host);
    held.add(name);
  }
  for (const name of drop) held.delete(name);
  return sets(
    held,
    ambientNames.filter((name) => held.has(name)),
  );
}

function parse(field: string, names: readonly string[]): Set<string> {
  return new Set(
    names.map((given, index) => {
      const upper = given.toUpperCase();
      if (upper === 'ALL') return upper;
      const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
      if (CAPABILITY_NAMES.includes(name)) return name;
      throw invalid(`${FIELD}.${field}[${index}]`, `${JSON.stringify(given)} is not a capability of Linux`);
    }),
  );
}

function requireOnHost(name: string, host: HostFacts): void {
  if (host.capabilities.includes(name)) return;
  throw new CribError('FAILED_PRECONDITION', `${FIELD}: ${name} cannot be given: crib itself does not have it here`);
}

function sets(held: ReadonlySet<string>, ambient: readonly string[]): CapabilitySets {
  const all = CAPABILITY_NAMES.filter((name) => held.has(name));
  const kept = CAPABILITY_NAMES.filter((name) => ambient.includes(name));
  return { bounding: all, effective: all, permitted: all, inheritable: kept, ambient: kept };
}
