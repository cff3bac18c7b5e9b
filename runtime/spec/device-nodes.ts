/** OCI linux.devices and the device rules of linux.resources. */

import type { HostDevice, SpecInput } from './types.js';

/** The container's devices; for a privileged one the host's too. A path is there once: what was asked for wins. */
export function deviceNodes(input: SpecInput): Record<string, unknown>[] {
  const byPath = new Map<string, HostDevice>();
  const host = input.config.security.privileged ? input.hostDevices : [];
  for (const device of [...host, ...input.devices]) byPath.set(device.path, device);
  return [...byPath.values()].map(({ path, type, major, minor, fileMode, uid, gid }) => {
    return { path, type, major, minor, fileMode, uid, gid };
  });
}

/**
 * Nothing, then what was asked for. The OCI runtime adds the default devices (null, zero, full, random, urandom, tty,
 * console, ptmx, pts) and mknod of any by itself (config-linux.md, "Default Devices").
 */
export function deviceRules(input: SpecInput): Record<string, unknown>[] {
  if (input.config.security.privileged) return [{ allow: true, access: 'rwm' }];
  return [
    { allow: false, access: 'rwm' },
    ...input.devices
      .filter(({ type }) => type !== 'p')
      .map(({ type, major, minor, access }) => ({ allow: true, type, major, minor, access })),
  ];
}
