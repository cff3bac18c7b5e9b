/**
 * The volumes inside of gVisor sandboxes: which they are is settled when the sandbox is made, for it learns of them only
 * then (mount-hints.ts), and written down beside it.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { replaceFile } from '../../runtime/durable-file.js';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import type { ResolvedMount } from '../../runtime/spec/types.js';
import { isStaticProgram } from '../../runtime/static-program.js';
import { isWithin } from '../../volumes/kind.js';
import { type FoundVolume, findPodVolumes } from '../../volumes/pod-directory.js';
import type { VolumeDecision } from '../../volumes/types.js';
import { readWatchedTree, type TreeLimits } from '../../volumes/watched-tree.js';
import type { PodRecord } from '../pod-record.js';
import { holdsFiles, removeFilestores } from './filestores.js';
import {
  copiedVolume,
  copyMounts,
  type GuestVolume,
  hintAnnotations,
  hintedMounts,
  storedVolume,
} from './mount-hints.js';
import { sandboxName } from './places.js';
import type { RootAdditions } from './root.js';
import { BUSYBOX } from './swap-script.js';
import { type CopiedVolume, type SandboxShell, WatchedCopies } from './watched-copies.js';

const STORED = ['empty-dir'];
const COPIED = ['configmap', 'secret', 'projected', 'downward-api'];
const FILE = 'guest-volumes.json';

export interface GuestVolumesParts {
  /** Directory of a pod's own files in `--state`. */
  readonly directoryOf: (pod: PodRecord) => string;
  /** `pods` directories of kubelets, and that of `crib run`. */
  readonly podRoots: readonly string[];
  /** Larger volumes are not copied. */
  readonly copyLimits: TreeLimits;
  /** A statically linked busybox; empty: none is copied. */
  readonly busybox: string;
  readonly shell: SandboxShell;
  /** What the pod's manifest says of an emptyDir's size, in bytes. */
  readonly declaredSize?: (pod: PodRecord, volume: string) => Promise<number | undefined>;
  readonly log: Log;
}

interface PodVolumes {
  readonly volumes: readonly GuestVolume[];
  /** Directories of volumes that stay outside, with the reason. */
  readonly outside: Readonly<Record<string, string>>;
  /** Where volumes were looked for, without symlinks. */
  readonly roots: readonly string[];
}

const NONE: PodVolumes = { volumes: [], outside: {}, roots: [] };
const TOO_LATE = 'it was not there when the sandbox was made, which can be given none later';
const ELSEWHERE = 'it is not below a directory that volumes.kubelet_roots names, so the sandbox was made without it';

export class GuestVolumes {
  readonly #parts: GuestVolumesParts;
  readonly #pods = new Map<string, PodVolumes>();
  readonly #copies: WatchedCopies;

  constructor(parts: GuestVolumesParts) {
    this.#parts = parts;
    this.#copies = new WatchedCopies(parts.shell, parts.copyLimits, parts.log);
  }

  /** Settles which volumes of the pod its sandbox will have; clears what a crashed one left in them. */
  async settle(pod: PodRecord): Promise<RootAdditions> {
    const found = await findPodVolumes(this.#parts.podRoots, pod.config.metadata.uid, [...STORED, ...COPIED]);
    const volumes: GuestVolume[] = [];
    const outside: Record<string, string> = {};
    for (const volume of found) {
      if (STORED.includes(volume.plugin)) await removeFilestores(volume.directory);
      const obstacle = await this.#obstacleTo(volume);
      if (obstacle !== undefined) outside[volume.directory] = obstacle;
      else volumes.push(await this.#guestVolume(pod, volume, volumes.length));
    }
    const settled = { volumes, outside, roots: await realPaths(this.#parts.podRoots) };
    await replaceFile(this.#file(pod), JSON.stringify(settled), false);
    this.#pods.set(pod.id, settled);
    return { annotations: hintAnnotations(volumes), mounts: this.#rootMounts(volumes) };
  }

  /** Once the sandbox runs: fills the copies and keeps them in step. */
  async follow(pod: PodRecord): Promise<void> {
    await this.#copies.start(pod, copiesOf(await this.#load(pod)));
  }

  /** The same after a restart of cribd; a sandbox that does not answer is tried again later. */
  async takeUp(pod: PodRecord): Promise<void> {
    this.#copies.takeUp(pod, copiesOf(await this.#load(pod)));
  }

  /** Why the volume in `directory` is not inside of the pod's sandbox; undefined: it is. */
  obstacle(pod: PodRecord, directory: string): string | undefined {
    const { volumes, outside, roots } = this.#pods.get(pod.id) ?? NONE;
    if (volumes.some((volume) => volume.directory === directory)) return undefined;
    return outside[directory] ?? (roots.some((root) => isWithin(directory, root)) ? TOO_LATE : ELSEWHERE);
  }

  /** The mounts of one of the pod's containers, as runsc is to be told them. */
  mounts(pod: PodRecord, mounts: readonly ResolvedMount[], decisions: readonly VolumeDecision[]): ResolvedMount[] {
    return hintedMounts(mounts, decisions, (this.#pods.get(pod.id) ?? NONE).volumes);
  }

  /** When the sandbox has ended, however it did. Idempotent. */
  async release(pod: PodRecord): Promise<void> {
    this.#copies.stop(pod.id);
    this.#pods.delete(pod.id);
    const found = await findPodVolumes(this.#parts.podRoots, pod.config.metadata.uid, STORED);
    for (const { directory } of found) await removeFilestores(directory, sandboxName(pod.id));
  }

  /** Lets go of everything; the sandboxes keep what they have. */
  close(): void {
    this.#copies.close();
  }

  async #obstacleTo(volume: FoundVolume): Promise<string | undefined> {
    if (STORED.includes(volume.plugin)) return obstacleToStoring(volume);
    if (this.#parts.busybox === '') return 'no busybox-static is installed, which would keep a copy of it in step';
    try {
      await readWatchedTree(volume.directory, this.#parts.copyLimits);
      return undefined;
    } catch (error) {
      if (error instanceof CribError) return messageOf(error);
      throw error;
    }
  }

  async #guestVolume(pod: PodRecord, found: FoundVolume, number: number): Promise<GuestVolume> {
    if (COPIED.includes(found.plugin)) return copiedVolume(found, number);
    const size = found.sizeLimitBytes ?? (await this.#parts.declaredSize?.(pod, found.name));
    return storedVolume({ ...found, sizeLimitBytes: size });
  }

  #rootMounts(volumes: readonly GuestVolume[]): ResolvedMount[] {
    const mounts = copyMounts(volumes);
    if (mounts.length === 0) return [];
    const options = ['rbind', 'rprivate', 'ro'];
    return [...mounts, { destination: BUSYBOX, type: 'bind', source: this.#parts.busybox, options }];
  }

  async #load(pod: PodRecord): Promise<PodVolumes> {
    const known = this.#pods.get(pod.id);
    if (known !== undefined) return known;
    const file = this.#file(pod);
    try {
      const settled: PodVolumes = JSON.parse(await fs.readFile(file, 'utf8'));
      this.#pods.set(pod.id, settled);
      return settled;
    } catch (cause) {
      throw new CribError('DATA_LOSS', `reading ${file}: ${messageOf(cause)}`, { cause });
    }
  }

  #file(pod: PodRecord): string {
    return path.join(this.#parts.directoryOf(pod), FILE);
  }
}

async function realPaths(directories: readonly string[]): Promise<string[]> {
  return Promise.all(directories.map((directory) => fs.realpath(directory).catch(() => directory)));
}

function copiesOf({ volumes }: PodVolumes): CopiedVolume[] {
  const copied = volumes.filter(({ kind }) => kind === 'copy');
  return copied.map(({ directory, source }) => ({ directory, target: source }));
}

async function obstacleToStoring({ filesystem, directory }: FoundVolume): Promise<string | undefined> {
  if (filesystem === 'hugetlbfs') return 'it is made of huge pages';
  if (!(await holdsFiles(directory))) return undefined;
  return 'it had files before the sandbox was made, which would not be seen in it';
}

/** A busybox that can be the root container's only program: Debian's package busybox-static. Empty: there is none. */
export async function findBusybox(candidates = ['/bin/busybox', '/usr/bin/busybox']): Promise<string> {
  for (const candidate of candidates) if (await isStaticProgram(candidate)) return candidate;
  return '';
}
