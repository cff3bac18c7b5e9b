/** Where this host has mounted its cgroup hierarchies (cgroups(7)). */

import { CribError } from '../errors.js';
import { type MountInfo, parseMountInfo } from '../linux/mountinfo.js';

export interface Hierarchies {
  readonly version: 1 | 2;
  /** v1: controller name (`memory`, `cpuacct`; named hierarchies as `name=systemd`) to mount point. */
  readonly controllers: ReadonlyMap<string, string>;
  /** Mount point of cgroup2: the hierarchy itself on v2, the hybrid one beside v1, undefined where there is none. */
  readonly unified: string | undefined;
}

/** Options of a v1 mount that are not controllers (kernel/cgroup/cgroup-v1.c). */
const NOT_CONTROLLERS = new Set(['rw', 'ro', 'noprefix', 'clone_children', 'xattr', 'cpuset_v2_mode', 'favordynmods']);

/**
 * Reads the mounts out of mountinfo's text. A host is v1 as soon as one of the controllers that containers need is
 * mounted as v1: that controller is then missing from cgroup2. Where one is mounted twice, the mount under
 * /sys/fs/cgroup wins, as the OCI runtimes choose. Throws FAILED_PRECONDITION where nothing is mounted.
 */
export function findHierarchies(mountinfo: string): Hierarchies {
  const mounts = parseMountInfo(mountinfo).filter((mount) => mount.fsType === 'cgroup' || mount.fsType === 'cgroup2');
  const standardFirst = [...mounts].sort((a, b) => Number(isStandard(b)) - Number(isStandard(a)));
  const controllers = new Map<string, string>();
  for (const mount of standardFirst.filter((mount) => mount.fsType === 'cgroup')) {
    for (const name of controllersOf(mount)) {
      if (!controllers.has(name)) controllers.set(name, mount.mountPoint);
    }
  }
  const unified = standardFirst.find((mount) => mount.fsType === 'cgroup2')?.mountPoint;
  const isV1 = ['memory', 'cpu', 'cpuacct', 'pids', 'freezer', 'devices'].some((name) => controllers.has(name));
  if (!isV1 && unified === undefined) {
    throw new CribError(
      'FAILED_PRECONDITION',
      'no cgroup hierarchy is mounted on this host: run `mount -t cgroup2 cgroup2 /sys/fs/cgroup`',
    );
  }
  return { version: isV1 ? 1 : 2, controllers, unified };
}

function isStandard(mount: MountInfo): boolean {
  return mount.mountPoint === '/sys/fs/cgroup' || mount.mountPoint.startsWith('/sys/fs/cgroup/');
}

function controllersOf(mount: MountInfo): string[] {
  return mount.superOptions.filter(
    (option) => option.startsWith('name=') || (!option.includes('=') && !NOT_CONTROLLERS.has(option)),
  );
}
