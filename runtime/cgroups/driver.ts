/** Who makes cgroups, and so what they are called: crib by cgroupfs, or systemd by units that crib asks it for. */

import { CribError } from '../errors.js';
import { checkOwnCgroupPath } from './paths.js';

export interface CgroupDriver {
  readonly name: 'cgroupfs' | 'systemd';
  /**
   * The pod's cgroup: the parent that the client named, or one of crib's own. Throws INVALID_ARGUMENT for a parent that
   * the driver has no cgroup for.
   */
  podCgroup(parent: string, podId: string): string;
  containerCgroup(podCgroup: string, id: string): string;
  /** `linux.cgroupsPath` for an OCI runtime. */
  ociPath(containerCgroup: string): string;
  /** Options of the OCI runtime before its command. */
  readonly runtimeOptions: readonly string[];
}

/** Of the scopes that systemd makes for containers. */
const PREFIX = 'crib';
const SCOPE = new RegExp(`^${PREFIX}-(.+)\\.scope$`);

export const CGROUPFS: CgroupDriver = {
  name: 'cgroupfs',
  podCgroup: (parent, podId) => {
    if (parent === '') return `/crib/${podId}`;
    if (parent.startsWith('/')) return parent;
    throw refused(parent, 'names a systemd slice, but the cgroup driver is cgroupfs: set cgroup_driver = "systemd"');
  },
  containerCgroup: (podCgroup, id) => `${podCgroup === '/' ? '' : podCgroup}/${id}`,
  ociPath: (containerCgroup) => containerCgroup,
  runtimeOptions: [],
};

/** As runc and containerd name them: `slice:prefix:id` is the scope `prefix-id.scope` in that slice. */
export const SYSTEMD: CgroupDriver = {
  name: 'systemd',
  podCgroup: (parent, podId) => expandSlice(parent === '' ? `crib-pod${podId}.slice` : lastElement(parent)),
  containerCgroup: (podCgroup, id) => `${podCgroup}/${PREFIX}-${id}.scope`,
  ociPath: (containerCgroup) => {
    const id = SCOPE.exec(lastElement(containerCgroup))?.[1];
    const slice = lastElement(containerCgroup.slice(0, containerCgroup.lastIndexOf('/')));
    if (id === undefined || slice === '') throw refused(containerCgroup, 'is no scope of crib in a slice');
    return `${slice}:${PREFIX}:${id}`;
  },
  runtimeOptions: ['--systemd-cgroup'],
};

/**
 * The cgroup of a slice: `a-b.slice` lies in `a.slice` (systemd.slice(5)). A kubelet gives the whole path, of which
 * only the last element counts, as containerd takes it. Throws INVALID_ARGUMENT for a name that systemd does not take.
 */
export function expandSlice(slice: string): string {
  const stem = /^([A-Za-z0-9:_.\\][A-Za-z0-9:_.\\-]*)\.slice$/.exec(slice)?.[1];
  if (stem === undefined) throw refused(slice, 'is not the name of a systemd slice, as kubepods-burstable.slice');
  const words = stem.split('-');
  if (words.includes('')) throw refused(slice, 'has an empty part between its dashes');
  const path = words.map((_, index) => `/${words.slice(0, index + 1).join('-')}.slice`).join('');
  return checkOwnCgroupPath(path);
}

function lastElement(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function refused(parent: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `cgroup_parent ${JSON.stringify(parent)} ${why}`);
}
