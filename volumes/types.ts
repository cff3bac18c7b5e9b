/**
 * A volume is recognised by what the host says, routed by what the sandbox can do, and mounted. This file is the
 * contract of the three steps; each decision is kept with its reason, for people to read.
 */

import type { MountConfig } from '../runtime/containers/config.js';
import type { ResolvedMount } from '../runtime/spec/types.js';

export type VolumeKind =
  | 'emptydir'
  | 'emptydir-memory'
  | 'hugepages'
  | 'docker-volume'
  | 'config'
  | 'block-device'
  | 'shm'
  | 'system'
  | 'host-device'
  | 'image'
  | 'bind';

export type VolumeRoute = 'bind' | 'device' | 'guest-local' | 'host-shared' | 'skipped' | 'refused';

/** What the kernel says about the source of a mount. */
export interface MountFacts {
  readonly hostPath: string;
  /** `hostPath` with symlinks resolved. */
  readonly realPath: string;
  readonly containerPath: string;
  readonly type: 'directory' | 'file' | 'block' | 'character' | 'socket' | 'fifo' | 'missing';
  /** statfs f_type of the source. */
  readonly filesystemMagic: number;
  /** Mount point of the file system the source lies on, from mountinfo. */
  readonly mountPoint: string;
}

export interface VolumeDecision {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly kind: VolumeKind;
  readonly route: VolumeRoute;
  /** Why this kind and this route, as a sentence for `crib inspect`. */
  readonly reason: string;
  readonly readonly: boolean;
}

/** What volume routing decides on; never the backend's name. */
export interface SandboxCapabilities {
  /** The sandbox has a kernel of its own. */
  readonly guest: boolean;
  readonly guestLocal: readonly ('tmpfs' | 'dir')[];
  /** Pods in user namespaces, and id-mapped mounts. */
  readonly idmap: boolean;
  /** Why `idmap` is false; empty where it is true. */
  readonly idmapObstacle: string;
  readonly recursiveReadOnly: boolean;
  /** In a user namespace too, a bind mount brings the mounts below its source; else each gets one of its own. */
  readonly submountsInUserNamespace: boolean;
  readonly bidirectionalPropagation: boolean;
}

export interface PreparedVolume {
  readonly decision: VolumeDecision;
  /** undefined where the route is `skipped`. */
  readonly mount: ResolvedMount | undefined;
  /** Mounts below it that the OCI runtime would leave out. */
  readonly submounts?: readonly ResolvedMount[];
}

export interface VolumeContext {
  readonly capabilities: SandboxCapabilities;
  /** Root file system of the container, for checks on the destination. */
  readonly rootfs: string;
  readonly dockerRoots: readonly string[];
  /** A directory for the mounts that crib makes itself (owned.ts); made when it is needed. */
  readonly owned: string;
  /** SELinux label of volumes that are to be relabelled; empty: none. */
  readonly label: string;
  /** The OCI runtime leaves the mounts below a source out of its bind mount. */
  readonly withoutSubmounts: boolean;
}

/** All or nothing: when one mount is refused none is prepared, and the error names the field. */
export type PrepareVolumes = (mounts: readonly MountConfig[], context: VolumeContext) => Promise<PreparedVolume[]>;
