/** What the kernel must have for pods in namespaces. */

import { closeSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { findHierarchies } from '../../../runtime/cgroups/hierarchies.js';
import { messageOf } from '../../../runtime/errors.js';
import { RLIMIT_NOFILE } from '../../../runtime/linux/constants.js';
import { cloneTree, hasFilesystem, openPath } from '../../../runtime/linux/mounts.js';
import { resourceLimit } from '../../../runtime/linux/processes.js';

import { type Check, limited, missing, ok, readText } from './check.js';

export async function kernelChecks(): Promise<Check[]> {
  return [
    superuser(),
    kernel(),
    mountCalls(),
    ...(await cgroups()),
    await cgroupDriver(),
    overlayfs(),
    await seccomp(),
    await userNamespaces(),
    await securityModule(),
    openFiles(Number(resourceLimit(RLIMIT_NOFILE).hard)),
  ];
}

/** Of a container the keeper has a pidfd, two or three FIFOs and the log open, and keeps a reserve (docs/adr/029). */
const DESCRIPTORS_PER_CONTAINER = 5;
const DESCRIPTORS_BESIDES = 200;
/** 500 pods of two containers, and commands in them. */
const ENOUGH_DESCRIPTORS = 8192;

/** `hard`: RLIMIT_NOFILE, up to which Node raises its own limit. */
export function openFiles(hard: number): Check {
  const room = Math.max(0, Math.floor((hard - DESCRIPTORS_BESIDES) / DESCRIPTORS_PER_CONTAINER));
  if (hard >= ENOUGH_DESCRIPTORS) return ok('open files', `at most ${hard}, containers keep the soft limit`);
  return limited(
    'open files',
    `at most ${hard}: room for about ${room} containers`,
    'start crib with a higher hard limit: LimitNOFILE=1024:1048576 in its unit, or ulimit -Hn 1048576',
  );
}

function superuser(): Check {
  return process.getuid?.() === 0
    ? ok('root', 'crib serve runs as root')
    : missing('root', "mounts, namespaces and cgroups are root's", 'run crib as root');
}

function kernel(): Check {
  const [major = 0, minor = 0] = os
    .release()
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const isNew = major > 5 || (major === 5 && minor >= 12);
  if (isNew) return ok('kernel', `${os.release()} (5.12 or later is needed)`);
  return missing('kernel', `${os.release()} lacks mount_setattr: 5.12 or later is needed`, 'upgrade the kernel');
}

/** Not the version alone: a container's seccomp filter or a lack of CAP_SYS_ADMIN refuses them too. */
function mountCalls(): Check {
  const what = 'mount calls';
  try {
    const slash = openPath('/');
    try {
      closeSync(cloneTree(slash, '', false));
    } finally {
      closeSync(slash);
    }
    return ok(what, 'open_tree works: mounts are made by descriptor');
  } catch (error) {
    return missing(what, messageOf(error), 'run crib as root, outside of a container with a seccomp filter');
  }
}

/** Controllers that limits and statistics need; the others are named in the kernel's cgroup documentation. */
const CONTROLLERS = ['cpu', 'memory', 'pids'];

async function cgroups(): Promise<Check[]> {
  const text = (await readText('/proc/self/mountinfo')) ?? '';
  try {
    const { version, controllers, unified } = findHierarchies(text);
    const there =
      version === 1
        ? [...controllers.keys()].filter((name) => !name.startsWith('name='))
        : ((await readText(path.join(unified ?? '', 'cgroup.controllers'))) ?? '').split(/\s+/);
    const lacking = CONTROLLERS.filter((name) => !there.includes(name));
    const layout =
      version === 2
        ? ok('cgroups', `v2 at ${unified}`)
        : limited(
            'cgroups',
            'v1: kubelets from 1.35 on refuse it',
            "set failCgroupV1: false in the kubelet's configuration, or boot with systemd.unified_cgroup_hierarchy=1",
          );
    if (lacking.length === 0) return [layout, ok('controllers', there.sort().join(' '))];
    return [layout, missing('controllers', `${lacking.join(', ')} missing`, mendControllers(version, lacking))];
  } catch (error) {
    return [missing('cgroups', messageOf(error), 'mount -t cgroup2 cgroup2 /sys/fs/cgroup')];
  }
}

/** Kubelet and runtime must agree; where systemd is in charge, a second writer of cgroups gets in its way. */
async function cgroupDriver(): Promise<Check> {
  const what = 'cgroup driver';
  const booted = (await fs.stat('/run/systemd/system').catch(() => undefined)) !== undefined;
  if (!booted) return ok(what, 'cgroupfs fits: systemd does not run this host');
  return ok(what, 'systemd fits, where the kubelet has it too (cgroupDriver): set cgroup_driver = "systemd"');
}

function mendControllers(version: 1 | 2, names: readonly string[]): string {
  if (version === 2) return `boot without cgroup_disable=${names.join(',')}`;
  return names
    .map((name) => `mkdir -p /sys/fs/cgroup/${name} && mount -t cgroup -o ${name} cgroup /sys/fs/cgroup/${name}`)
    .join('; ');
}

/** Not by /proc/filesystems: a node that has just booted has the module, but has not loaded it. */
function overlayfs(): Check {
  const what = 'overlayfs';
  try {
    if (hasFilesystem('overlay')) return ok(what, 'root file systems of containers');
    return missing(what, 'this kernel has none, and no module of it', 'take a kernel with CONFIG_OVERLAY_FS');
  } catch (error) {
    return missing(what, messageOf(error), 'run crib as root, outside of a container with a seccomp filter');
  }
}

async function seccomp(): Promise<Check> {
  const actions = await readText('/proc/sys/kernel/seccomp/actions_avail');
  if (actions?.includes('errno') === true) return ok('seccomp', 'filters: RuntimeDefault and Localhost profiles');
  return missing('seccomp', 'this kernel has no seccomp filters', 'take a kernel with CONFIG_SECCOMP_FILTER');
}

async function userNamespaces(): Promise<Check> {
  const what = 'user namespaces';
  const most = await readText('/proc/sys/user/max_user_namespaces');
  if (most === undefined) return limited(what, 'this kernel has none', 'take a kernel with CONFIG_USER_NS');
  if (most === '0') return limited(what, 'switched off', 'sysctl -w user.max_user_namespaces=15000');
  return ok(what, `at most ${most}`);
}

/** For information: crib runs with either and without. */
async function securityModule(): Promise<Check> {
  const modules = (await readText('/sys/kernel/security/lsm')) ?? '';
  const found = ['apparmor', 'selinux'].filter((name) => modules.split(',').includes(name));
  return ok('LSM', found.length === 0 ? 'neither AppArmor nor SELinux: none is needed' : found.join(', '));
}
