/** Facts about a source as the kernel would give them; for kinds, which look at nothing else. */

import { podVolumeAt } from '../../../volumes/pod-volume.js';
import type { MountFacts } from '../../../volumes/types.js';

const POD_UID = '0f3c';
/** EXT4_SUPER_MAGIC: a file system that no kind asks for. */
const EXT4 = 0xef53;

export function factsOf(realPath: string, change: Partial<MountFacts> = {}): MountFacts {
  const volume = podVolumeAt(realPath, POD_UID, []);
  return {
    hostPath: realPath,
    realPath,
    containerPath: '/data',
    type: 'directory',
    filesystemMagic: EXT4,
    mountPoint: '/',
    device: '8:1',
    node: undefined,
    volume: volume === undefined ? undefined : { ...volume, isMount: change.mountPoint === volume.directory },
    dataRoot: undefined,
    deleted: false,
    ...change,
  };
}

/** A volume directory of the kubelet. */
export function kubeletVolume(plugin: string, name = 'v'): string {
  return `/var/lib/kubelet/pods/${POD_UID}/volumes/kubernetes.io~${plugin}/${name}`;
}
