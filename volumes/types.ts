/**
 * A volume is recognised by what the host says, routed by what the sandbox can do, and mounted. This file is the
 * contract of the three steps; each decision is kept with its reason, for people to read.
 */

import type { MountConfig } from '../runtime/containers/config.js';
import type { ResolvedMount } from '../runtime/spec/types.js';
import type { VerityRequest } from './verity/request.js';
import type { WatchedVolume } from './verity/watched-facts.js';

/** In no order: registry.ts has that in which they are asked. `tmp` is none that anybody asks for (tmp.ts). */
export const VOLUME_KINDS = [
  'emptydir',
  'emptydir-memory',
  'hugepages',
  'docker-volume',
  'config',
  'block-device',
  'shm',
  'system',
  'host-device',
  'image',
  'tmp',
  'bind',
] as const;
export type VolumeKind = (typeof VOLUME_KINDS)[number];

export const VOLUME_ROUTES = ['bind', 'device', 'guest-local', 'host-shared', 'skipped', 'refused'] as const;
export type VolumeRoute = (typeof VOLUME_ROUTES)[number];

/** A volume of the pod itself, as the kubelet (or `crib run`) lays it out; told by its path (pod-volume.ts). */
export interface PodVolume {
  /** `empty-dir`, `configmap`, `csi`…: what follows `kubernetes.io~`. */
  readonly plugin: string;
  /** Of an emptyDir or a configMap the name that it has in the pod's manifest. */
  readonly name: string;
  /** The volume's own directory, without symlinks. */
  readonly directory: string;
  /** What of it is the source, relative to `directory`; empty: all of it. */
  readonly subPath: string;
  /** A file system is mounted on the directory itself. */
  readonly isMount: boolean;
}

/** The device that a device node stands for. */
export interface DeviceFacts {
  readonly major: number;
  readonly minor: number;
  /** Name in the device mapper (LVM, LUKS, multipath); undefined for every other device. */
  readonly mapperName: string | undefined;
}

/** What the kernel says about the source of a mount. */
export interface MountFacts {
  readonly hostPath: string;
  /** `hostPath` with symlinks resolved. */
  readonly realPath: string;
  readonly containerPath: string;
  readonly type: 'directory' | 'file' | 'block' | 'character' | 'socket' | 'fifo' | 'missing';
  /** statfs f_type of the source. */
  readonly filesystemMagic: number;
  /** Mount point of the file system the source lies on: `/` on the root file system, the nearest of stacked binds. */
  readonly mountPoint: string;
  /** `major:minor` of that file system; empty where it could not be told. */
  readonly device: string;
  /** Of a block or character device. */
  readonly node: DeviceFacts | undefined;
  /** undefined: it is none of this pod's. */
  readonly volume: PodVolume | undefined;
  /** The configured data root of Docker or Podman that it is a volume of. */
  readonly dataRoot: string | undefined;
  /** Its directory has been deleted, and only its mount holds it. */
  readonly deleted: boolean;
}

export interface VolumeDecision {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly kind: VolumeKind;
  readonly route: VolumeRoute;
  /** Why this kind and this route, as a sentence for `crib inspect`. */
  readonly reason: string;
  readonly readonly: boolean;
  /** What serves it, for people: `bind mount`, `overlay`, `tmpfs in the sandbox`. Not in records of the first version. */
  readonly driver?: string;
  /** What it is a mount of, with symlinks resolved: two decisions with the same one share it. */
  readonly realPath?: string;
  readonly volume?: PodVolume;
  /** Bytes that it may hold; absent where nothing says so. */
  readonly sizeLimitBytes?: number;
  /** Writes go to a layer of the container's own and vanish with it. */
  readonly overlay?: boolean;
  /** The root hash that it was found to have when it was mounted. */
  readonly verified?: string;
  /** It is to be looked at again while the container is there. */
  readonly watched?: WatchedVolume;
}

/** What volume routing decides on; never the backend's name. */
export interface SandboxCapabilities {
  /** The sandbox has a kernel of its own. */
  readonly guest: boolean;
  readonly guestLocal: readonly ('tmpfs' | 'dir')[];
  /** A part of a guest-local volume can be mounted; else a pod that mounts one has the volume from the host. */
  readonly guestLocalSubPaths?: boolean;
  /** Volumes that the kubelet goes on writing can be copies in the sandbox, kept in step; inotify works on those. */
  readonly watchedCopies?: boolean;
  /** What serves a route, for people; the route's own name where it is not said. */
  readonly drivers?: Readonly<Partial<Record<VolumeRoute, string>>>;
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

/** What the configuration says of the volumes of one handler's pods. */
export interface VolumePolicy {
  /** The route of a kind, instead of the first that the sandbox offers for it. */
  readonly routes: Readonly<Partial<Record<VolumeKind, VolumeRoute>>>;
  /** Kinds whose route a pod may choose by annotation. */
  readonly annotations: readonly VolumeKind[];
  /** Kinds whose writable directories get a layer of the container's own over them. */
  readonly overlay: readonly VolumeKind[];
  /** Limits of a tree that is copied into the sandbox and kept in sync; a larger one is shared. Bytes and files. */
  readonly copyMaxBytes: number;
  readonly copyMaxFiles: number;
  /** Limit of a copy of a verified volume, in bytes of memory; 0: no copies. */
  readonly verityCopyMaxBytes: number;
  /** `tmpfs`: containers get one at /tmp where the image has nothing there (tmp.ts). */
  readonly tmp: 'tmpfs' | 'image';
}

/** Routes that a pod asks for by annotation, checked against the policy: by kind, and by the volume's name. */
export interface PodRoutes {
  readonly kinds: Readonly<Partial<Record<VolumeKind, VolumeRoute>>>;
  readonly volumes: Readonly<Record<string, VolumeRoute>>;
}

/** What the manifest says of an emptyDir and its directory cannot. */
export interface DeclaredEmptyDir {
  /** `Memory`, `HugePages…`; empty: the node's disk. */
  readonly medium: string;
  readonly sizeLimitBytes: number | undefined;
}

/** What a Pod object says of one of its volumes. */
export interface DeclaredVolume {
  /** Field of the volume's source, as in the manifest: `emptyDir`, `hostPath`. */
  readonly type: string;
  readonly emptyDir: DeclaredEmptyDir | undefined;
}

export interface VolumeContext {
  readonly capabilities: SandboxCapabilities;
  readonly policy: VolumePolicy;
  /** What the pod itself asks for. */
  readonly podRoutes: PodRoutes;
  /** Empty where the pod has none. */
  readonly podUid: string;
  /** The decisions of the pod's other containers: a volume of the pod goes one way for all of them. */
  readonly earlier: readonly VolumeDecision[];
  /**
   * Why the pod's volume in this directory cannot be inside of the sandbox; undefined: it can. Absent where a sandbox
   * takes any volume at any time.
   */
  readonly guestObstacle?: (directory: string) => string | undefined;
  /** Asks the pod's manifest for a volume; undefined where it cannot be had. Never throws; has a deadline of its own. */
  readonly declared?: (volume: string) => Promise<DeclaredVolume | undefined>;
  /** Root file system of the container, for checks on the destination. */
  readonly rootfs: string;
  readonly roots: VolumeRoots;
  /** A directory for the mounts that crib makes itself (owned.ts); made when it is needed. */
  readonly owned: string;
  /** A directory for what containers write into overlays (overlay.ts), on disk; it goes with the container. */
  readonly overlays: string;
  /** SELinux label of volumes that are to be relabelled; empty: none. */
  readonly label: string;
  /** The OCI runtime leaves the mounts below a source out of its bind mount. */
  readonly withoutSubmounts: boolean;
  /** Volumes that must be what they were. Absent: none. */
  readonly verity?: readonly VerityRequest[];
  /** Aborted when nobody wants the container any more: checking a large volume takes minutes. */
  readonly signal?: AbortSignal;
}

/** Where the host keeps volumes, for recognising them; configured. */
export interface VolumeRoots {
  /** Data roots of Docker and Podman; `*` stands for one element of a path. */
  readonly docker: readonly string[];
  /** Root directories of kubelets: asked only for pods without a uid. */
  readonly kubelet: readonly string[];
}

/** All or nothing: when one mount is refused none is prepared, and the error names the field. */
export type PrepareVolumes = (mounts: readonly MountConfig[], context: VolumeContext) => Promise<PreparedVolume[]>;
