/** The kinds of volumes in the order in which they are asked; the first that matches has it. */

import { CribError } from '../runtime/errors.js';
import type { Kind } from './kind.js';
import { bind } from './kinds/bind.js';
import { blockDevice } from './kinds/block-device.js';
import { config } from './kinds/config.js';
import { dockerVolume } from './kinds/docker-volume.js';
import { emptyDir } from './kinds/emptydir.js';
import { emptyDirMemory } from './kinds/emptydir-memory.js';
import { hostDevice } from './kinds/host-device.js';
import { hugepages } from './kinds/hugepages.js';
import { image } from './kinds/image.js';
import { shm } from './kinds/shm.js';
import { system } from './kinds/system.js';
import type { MountFacts, VolumeContext, VolumeKind } from './types.js';

export interface Recognised {
  readonly kind: Kind;
  readonly evidence: string;
}

export class KindRegistry {
  readonly #kinds = new Map<VolumeKind, Kind>();

  /** Throws INTERNAL where a kind is there twice: only one of them could ever match. */
  constructor(kinds: readonly Kind[]) {
    for (const kind of kinds) {
      if (this.#kinds.has(kind.kind)) throw new CribError('INTERNAL', `volume kind "${kind.kind}" is registered twice`);
      this.#kinds.set(kind.kind, kind);
    }
  }

  recognise(facts: MountFacts, context: VolumeContext): Recognised {
    for (const kind of this.#kinds.values()) {
      const evidence = kind.matches(facts, context);
      if (evidence !== undefined) return { kind, evidence };
    }
    throw new CribError('INTERNAL', `no volume kind matches ${facts.hostPath}`);
  }

  /** In the order in which they are asked. */
  all(): readonly Kind[] {
    return [...this.#kinds.values()];
  }

  get(name: VolumeKind): Kind {
    const kind = this.#kinds.get(name);
    if (kind === undefined) throw new CribError('INTERNAL', `there is no volume kind "${name}"`);
    return kind;
  }
}

/** emptyDirs before shm (a user may mount one at /dev/shm), devices before what takes everything. */
export const KINDS = new KindRegistry([
  image,
  system,
  hugepages,
  emptyDirMemory,
  emptyDir,
  config,
  shm,
  dockerVolume,
  blockDevice,
  hostDevice,
  bind,
]);
