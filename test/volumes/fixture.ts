/** What the tests of volumes share: a private directory, mount requests, and the host's abilities. */

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { MountConfig } from '../../runtime/containers/config.js';
import { unmount } from '../../runtime/linux/mounts.js';
import { MountTable } from '../../volumes/mount-table.js';
import { defaultPolicy, NO_POD_ROUTES } from '../../volumes/policy.js';
import type { SandboxCapabilities, VolumeContext } from '../../volumes/types.js';

const HOST_CAPABILITIES: SandboxCapabilities = {
  guest: false,
  guestLocal: [],
  idmap: false,
  idmapObstacle: 'a test',
  recursiveReadOnly: true,
  submountsInUserNamespace: true,
  bidirectionalPropagation: true,
};
const GUEST_CAPABILITIES: SandboxCapabilities = {
  ...HOST_CAPABILITIES,
  guest: true,
  guestLocal: ['tmpfs', 'dir'],
  bidirectionalPropagation: false,
};

export const HOST: VolumeContext = {
  capabilities: HOST_CAPABILITIES,
  policy: defaultPolicy(HOST_CAPABILITIES),
  podRoutes: NO_POD_ROUTES,
  podUid: 'uid1',
  earlier: [],
  rootfs: '',
  roots: { docker: ['/var/lib/docker'], kubelet: [] },
  owned: '/nowhere',
  overlays: '/nowhere',
  withoutSubmounts: false,
  label: '',
};

export const GUEST: VolumeContext = {
  ...HOST,
  capabilities: GUEST_CAPABILITIES,
  policy: defaultPolicy(GUEST_CAPABILITIES),
};

export function mountOf(hostPath: string, containerPath: string, more: Partial<MountConfig> = {}): MountConfig {
  return {
    containerPath,
    hostPath,
    readonly: false,
    recursiveReadOnly: false,
    selinuxRelabel: false,
    propagation: 'private',
    uidMappings: [],
    gidMappings: [],
    image: undefined,
    imageSubPath: '',
    ...more,
  };
}

export function makeTemporary(): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'crib-volumes-')));
}

export async function removeTemporary(directory: string): Promise<void> {
  for (const mountPoint of (await MountTable.read()).below(directory)) unmount(mountPoint);
  fs.rmSync(directory, { recursive: true, force: true });
}

/** mount(8), so that the tests do not rest on the code they test. */
export function mountCommand(...args: string[]): void {
  execFileSync('mount', args, { timeout: 10_000, stdio: 'pipe' });
}
