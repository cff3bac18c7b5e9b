/**
 * Pod mount hints: how gVisor learns that a volume is the sandbox's own. They are annotations, read once, from the root
 * container's spec (runsc/container/container.go: NewPodMountHints; the others get the sandbox's), so a volume must be
 * known before its sandbox is made. runsc finds the hint of a mount by comparing its source, letter by letter.
 */

import type { ResolvedMount } from '../../runtime/spec/types.js';
import type { FoundVolume } from '../../volumes/pod-directory.js';
import type { VolumeDecision } from '../../volumes/types.js';

const PREFIX = 'dev.gvisor.spec.mount.';
/** Where the root container has the copies; as a source it names nothing on the host. */
export const COPIES = '/crib/volumes';

/** A volume that is inside of the sandbox. */
export interface GuestVolume {
  /** Its own directory on the host, without symlinks. */
  readonly directory: string;
  /** What the specs name as its source. */
  readonly source: string;
  /** `stored`: its content is in a file of the sentry's in `directory`; `copy`: in the sentry's memory. */
  readonly kind: 'stored' | 'copy';
  /** Of the file system in the sentry: owner, mode and size of the original. */
  readonly options: readonly string[];
}

/** An emptyDir, in memory or on disk: its tmpfs in the sentry has no more room than the directory on the host. */
export function storedVolume(found: FoundVolume): GuestVolume {
  const { directory, sizeLimitBytes } = found;
  const size = sizeLimitBytes === undefined ? [] : [`size=${sizeLimitBytes}`];
  return { directory, source: directory, kind: 'stored', options: [...ownership(found), ...size] };
}

/** The copy of a volume that the kubelet goes on changing; `number` tells those of one pod apart. */
export function copiedVolume(found: FoundVolume, number: number): GuestVolume {
  const { directory } = found;
  return { directory, source: `${COPIES}/${number}`, kind: 'copy', options: ownership(found) };
}

function ownership({ uid, gid, mode }: FoundVolume): string[] {
  return ['rw', `mode=${mode.toString(8).padStart(4, '0')}`, `uid=${uid}`, `gid=${gid}`];
}

/** Names nothing on the host. */
const SHM = '/crib/shm';
/** As a pod's is on the host (pod-files.ts). */
const SHM_OPTIONS = 'rw,mode=1777,size=67108864';

/** The shared memory of the pod's containers: one tmpfs of the sentry's for all of them. */
export function shmHint(): Record<string, string> {
  return hintOf('shm', SHM, SHM_OPTIONS);
}

/** A container's own, where nothing else is mounted at /dev/shm, as one that has the pod's. */
export function sharingShm(mount: ResolvedMount): ResolvedMount {
  if (mount.destination !== '/dev/shm' || mount.type !== 'tmpfs' || mount.source !== 'shm') return mount;
  return { ...mount, source: SHM };
}

function hintOf(name: string, source: string, options: string): Record<string, string> {
  const key = `${PREFIX}${name}`;
  return {
    [`${key}.source`]: source,
    [`${key}.type`]: 'tmpfs',
    [`${key}.share`]: 'pod',
    [`${key}.options`]: options,
  };
}

/**
 * The annotations. A container's mount may be more restricted than its hint, never less (checkCompatible), so hints are
 * writable and forbid nothing.
 */
export function hintAnnotations(volumes: readonly GuestVolume[]): Record<string, string> {
  const hints = volumes.map(({ source, options }, index) => hintOf(`volume${index}`, source, options.join(',')));
  return Object.assign({}, ...hints) as Record<string, string>;
}

/** Mounts of the root container, by which it fills the copies. */
export function copyMounts(volumes: readonly GuestVolume[]): ResolvedMount[] {
  return volumes
    .filter(({ kind }) => kind === 'copy')
    .map(({ source }) => ({ destination: source, type: 'tmpfs', source, options: ['rw'] }));
}

/**
 * The mounts of a container as gVisor is to see them: guest-local ones by their hint; what has a hint and is shared from
 * the host after all by another spelling of its source, which the hint does not match.
 */
export function hintedMounts(
  mounts: readonly ResolvedMount[],
  decisions: readonly VolumeDecision[],
  volumes: readonly GuestVolume[],
): ResolvedMount[] {
  const local = new Set(
    decisions.filter(({ route }) => route === 'guest-local').map(({ containerPath }) => containerPath),
  );
  return mounts.map((mount) => {
    const volume = volumes.find(({ directory }) => directory === mount.source);
    if (volume === undefined) return mount;
    return local.has(mount.destination) ? guestMount(mount, volume) : { ...mount, source: `${mount.source}/.` };
  });
}

/**
 * With `rbind` the type is the hint's all the same, but runsc takes the source for a directory, in which it makes the
 * file of the content (createGoferFilestoreInSelf). Without, the content is in the sentry's memory.
 */
function guestMount({ destination, options }: ResolvedMount, { source, kind }: GuestVolume): ResolvedMount {
  const access = options.includes('ro') ? 'ro' : 'rw';
  return { destination, source, type: 'tmpfs', options: kind === 'stored' ? ['rbind', access] : [access] };
}
