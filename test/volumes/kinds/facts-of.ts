/** Facts about a source as the kernel would give them; for kinds, which look at nothing else. */

import type { MountFacts } from '../../../volumes/types.js';

/** EXT4_SUPER_MAGIC: a file system that no kind asks for. */
const EXT4 = 0xef53;

export function factsOf(realPath: string, change: Partial<MountFacts> = {}): MountFacts {
  return {
    hostPath: realPath,
    realPath,
    containerPath: '/data',
    type: 'directory',
    filesystemMagic: EXT4,
    mountPoint: '/',
    ...change,
  };
}

/** A volume directory of the kubelet. */
export function kubeletVolume(plugin: string, name = 'v'): string {
  return `/var/lib/kubelet/pods/0f3c/volumes/kubernetes.io~${plugin}/${name}`;
}
