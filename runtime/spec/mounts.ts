/** OCI mounts: what every container has, then what was asked for, parents before children. */

import { toHostId } from '../containers/id-mappings.js';
import { checkAbsolute, invalid } from './checks.js';
import { hasCgroupNamespace } from './namespaces.js';
import type { ResolvedMount, SpecInput } from './types.js';

/**
 * The default mounts without those that an input mount replaces or covers, then the input mounts by depth of their
 * destination; mounts of one depth keep their order.
 */
export function mounts(input: SpecInput): ResolvedMount[] {
  const own = input.mounts.map((mount) => {
    const destination = checkAbsolute('config.mounts: container_path', mount.destination);
    if (destination === '/') throw invalid('config.mounts: container_path', '/ is the root file system itself');
    return { ...mount, destination };
  });
  const kept = defaults(input).filter(
    ({ destination }) => !own.some((mount) => covers(mount.destination, destination)),
  );
  return [...kept, ...own.sort((a, b) => depth(a.destination) - depth(b.destination))];
}

function covers(parent: string, child: string): boolean {
  return child === parent || child.startsWith(`${parent}/`);
}

function depth(destination: string): number {
  return destination.split('/').length;
}

/** gid 5 is `tty`; a user namespace may be too small to have it. */
function tty({ namespaces: { user } }: SpecInput): string[] {
  return user === undefined || toHostId(user.gids, 5) !== undefined ? ['gid=5'] : [];
}

/** config-linux.md, "Default Filesystems", with the options that containerd gives them. */
function defaults(input: SpecInput): ResolvedMount[] {
  const access = input.config.security.privileged ? 'rw' : 'ro';
  const safe = ['nosuid', 'noexec', 'nodev'];
  return [
    mount('/proc', 'proc', 'proc', safe),
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', 'devpts', [
      'nosuid',
      'noexec',
      'newinstance',
      'ptmxmode=0666',
      'mode=0620',
      ...tty(input),
    ]),
    mount('/dev/shm', 'tmpfs', 'shm', [...safe, 'mode=1777', 'size=65536k']),
    mount('/dev/mqueue', 'mqueue', 'mqueue', safe),
    mount('/sys', 'sysfs', 'sysfs', [...safe, access]),
    cgroupMount(input, [...safe, 'relatime', access]),
  ];
}

/**
 * On v2 in the host's cgroup namespace it is a bind mount: a new cgroup2 mount there would change the options of the
 * one super block (nsdelegate, memory_recursiveprot) for the whole host (cgroup-v2.rst, "Mounting").
 */
function cgroupMount(input: SpecInput, options: readonly string[]): ResolvedMount {
  if (input.host.cgroupVersion === 2 && !hasCgroupNamespace(input)) {
    return mount('/sys/fs/cgroup', 'bind', '/sys/fs/cgroup', ['rbind', 'rprivate', ...options]);
  }
  return mount('/sys/fs/cgroup', 'cgroup', 'cgroup', options);
}

function mount(destination: string, type: string, source: string, options: readonly string[]): ResolvedMount {
  return { destination, type, source, options };
}

/** What the root must propagate for the mounts in it to: the strongest of what they ask. undefined: private. */
export function rootfsPropagation(all: readonly ResolvedMount[]): 'rshared' | 'rslave' | undefined {
  const asks = (...names: string[]) => all.some(({ options }) => options.some((option) => names.includes(option)));
  if (asks('rshared', 'shared')) return 'rshared';
  if (asks('rslave', 'slave')) return 'rslave';
  return undefined;
}
