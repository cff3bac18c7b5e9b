/** What gVisor cannot do is refused by name: a pod that gets less than it asked for would find out at its worst moment. */

import type { ContainerConfig, SecurityProfile, SelinuxOptions } from '../../runtime/containers/config.js';
import { CribError } from '../../runtime/errors.js';
import type { PodConfig } from '../config.js';

const OPTIONS = 'namespace_options';

interface Security {
  readonly namespaces: Readonly<Record<'network' | 'pid' | 'ipc', string>>;
  readonly selinux: SelinuxOptions | undefined;
  readonly apparmor: SecurityProfile | undefined;
}

/** Throws FAILED_PRECONDITION naming the field of PodSandboxConfig. */
export function checkPod({ security, sysctls }: PodConfig): void {
  checkSecurity(security);
  const [name] = Object.keys(sysctls);
  if (name !== undefined) {
    throw unable(
      `config.linux.sysctls[${JSON.stringify(name)}]`,
      "the sentry's network and IPC take none of the host's",
    );
  }
}

/** Throws FAILED_PRECONDITION naming the field of ContainerConfig. */
export function checkContainer({ security, devices, cdiDevices }: ContainerConfig): void {
  checkSecurity(security);
  if (devices.length > 0) throw unable('config.devices', "the host's devices do not exist for the sentry");
  if (cdiDevices.length > 0) throw unable('config.CDI_devices', "the host's devices do not exist for the sentry");
}

function checkSecurity({ namespaces, selinux, apparmor }: Security): void {
  const field = 'config.linux.security_context';
  const why = {
    network:
      "the sentry has a network of its own and takes the addresses of the namespace's interfaces: those of the host",
    pid: "the sentry has processes of its own, and does not see the host's",
    ipc: "the sentry has IPC of its own, and does not see the host's",
  };
  for (const kind of ['network', 'pid', 'ipc'] as const) {
    if (namespaces[kind] === 'node') throw unable(`${field}.${OPTIONS}.${kind}: NODE`, why[kind]);
  }
  if (apparmor?.type === 'localhost') {
    throw unable(`${field}.apparmor: Localhost`, "AppArmor is the host kernel's, which never sees these processes");
  }
  if (selinux !== undefined && Object.values(selinux).some((part) => part !== '')) {
    throw unable(`${field}.selinux_options`, "SELinux is the host kernel's, which never sees these processes");
  }
}

export function unable(field: string, why: string): CribError {
  return new CribError('FAILED_PRECONDITION', `${field} is not possible in gVisor: ${why}`);
}
