/** What every operation on pods and containers works with: the node's parts, its records, and who listens. */

import path from 'node:path';
import type { CgroupDriver } from '../runtime/cgroups/driver.js';
import type { CgroupSampler } from '../runtime/cgroups/sampler.js';
import type { Cgroups } from '../runtime/cgroups/types.js';
import { nowNs } from '../runtime/clock.js';
import { Records } from '../runtime/containers/records.js';
import { Trash } from '../runtime/containers/trash.js';
import { messageOf } from '../runtime/errors.js';
import type { ImageStore } from '../runtime/images/types.js';
import type { Keeper } from '../runtime/keeper/protocol.js';
import type { Log } from '../runtime/log.js';
import { Serial } from '../runtime/serial.js';
import type { HostFacts } from '../runtime/spec/types.js';
import { step } from '../runtime/steps.js';
import { Unfinished } from '../runtime/undo.js';
import type { SandboxCapabilities, VolumePolicy, VolumeRoots } from '../volumes/types.js';
import { Rechecks } from '../volumes/verity/rechecks.js';
import type { SandboxBackend } from './backend.js';
import type { Callers } from './callers.js';
import { type Container, type ContainerRecord, isContainerRecord } from './container-record.js';
import type { EventType } from './events/event.js';
import { EventHub } from './events/hub.js';
import { EventJournal } from './events/journal.js';
import type { Handlers } from './handlers.js';
import type { PodNetwork } from './network/types.js';
import type { PodObjects } from './pod-objects.js';
import { isPodRecord, type Pod, type PodRecord, type PodState } from './pod-record.js';
import { Registry } from './registry.js';
import type { VolumeUsage } from './volume-usage.js';
import type { WritableLayers } from './writable-layers.js';

/** What the configuration says of volumes. */
export interface VolumeParts {
  readonly roots: VolumeRoots;
  policyOf(handler: string, capabilities: SandboxCapabilities): VolumePolicy;
}

export interface NodeParts {
  /** Images and durable state. */
  readonly root: string;
  /** What a reboot may drop. */
  readonly state: string;
  readonly bootId: string;
  readonly host: HostFacts;
  readonly log: Log;
  readonly keeper: Keeper;
  readonly cgroups: Cgroups;
  readonly cgroupDriver: CgroupDriver;
  readonly sampler: CgroupSampler;
  readonly images: ImageStore;
  readonly network: PodNetwork;
  readonly handlers: Handlers;
  readonly writableLayers: WritableLayers;
  readonly volumes: VolumeParts;
  readonly volumeUsage: VolumeUsage;
  /** undefined: no kubeconfig is given. */
  readonly podObjects: PodObjects | undefined;
  /** Directories of CDI specifications, the least important first. */
  readonly cdiSpecDirs: readonly string[];
}

export interface PodCreation {
  readonly id: Promise<string>;
  /** undefined: it was made before this start. */
  readonly callers?: Callers;
}

export class Node {
  readonly parts: NodeParts;
  readonly pods = new Registry<Pod>('pod');
  readonly containers = new Registry<Container>('container');
  readonly podRecords: Records<PodRecord>;
  readonly containerRecords: Records<ContainerRecord>;
  /** Of removed containers. */
  readonly trash: Trash;
  /** Creations in progress and done, by what makes an object the same one. */
  readonly podNames = new Map<string, PodCreation>();
  readonly containerNames = new Map<string, Promise<string>>();
  /** Layers of containers that are being made and have no record yet, by the container's id. */
  readonly layersHeld = new Map<string, readonly string[]>();
  /** What failed operations could not take back yet. */
  readonly unfinished: Unfinished;
  /** Two containers that end at once are not given the same kill (out-of-memory.ts). */
  readonly oomCounting = new Serial();
  /** Of verified volumes. */
  readonly rechecks: Rechecks;
  readonly events: EventHub;

  constructor(parts: NodeParts) {
    this.parts = parts;
    this.unfinished = new Unfinished(parts.log);
    this.rechecks = new Rechecks(parts.log);
    this.podRecords = new Records(path.join(parts.root, 'pods'), parts.log, isPodRecord);
    this.trash = new Trash(path.join(parts.root, 'trash'), parts.log);
    const containers = path.join(parts.root, 'containers');
    this.containerRecords = new Records(containers, parts.log, isContainerRecord, this.trash);
    this.events = new EventHub(new EventJournal(path.join(parts.root, 'events.journal'), parts.log));
  }

  /** Where a pod's namespaces, shm and generated files are. */
  podDirectory(id: string): string {
    return path.join(this.parts.state, 'pods', id);
  }

  /** The container's OCI bundle. */
  bundle(id: string): string {
    return path.join(this.parts.state, 'containers', id);
  }

  backend(pod: PodRecord): SandboxBackend {
    return this.parts.handlers.existing(pod.handler);
  }

  /** On disk first, then in memory: what is reported has survived. */
  async updatePod(pod: Pod, change: (record: PodRecord) => Partial<PodRecord>): Promise<void> {
    await pod.saves.run(async () => {
      if (pod.removed) return;
      const next = { ...pod.record, ...change(pod.record) };
      await this.podRecords.save(next);
      pod.record = next;
    });
  }

  /** Synced once it is an end: of what runs a power cut leaves nothing, whatever is recorded. */
  async updateContainer(container: Container, change: Partial<ContainerRecord>): Promise<void> {
    await container.saves.run(async () => {
      if (container.removed) return;
      const next = { ...container.record, ...change };
      await this.containerRecords.save(next, next.state === 'exited');
      container.record = next;
    });
  }

  /** Its record goes from the disk, and no change that comes later brings it back. */
  async dropPod(pod: Pod): Promise<void> {
    await pod.saves.run(async () => {
      await this.podRecords.remove(pod.id);
      pod.removed = true;
    });
  }

  async dropContainer(container: Container): Promise<void> {
    await container.saves.run(async () => {
      await this.containerRecords.remove(container.id);
      container.removed = true;
    });
  }

  /**
   * For an end, which a full or read-only disk must not hold up: pods are stopped to free it. The kernel and the keeper
   * know that it has ended, so the next start comes to the same.
   */
  async endPod(pod: Pod, state: PodState): Promise<void> {
    const name = state === 'stopping' ? 'stop-pod/record' : 'stop-pod/stopped';
    await this.#despiteDisk(() => step(name, () => this.updatePod(pod, () => ({ state }))));
    pod.record = { ...pod.record, state };
  }

  async endContainer(container: Container, change: Partial<ContainerRecord>): Promise<void> {
    const ended = { ...change, state: 'exited' as const };
    await this.#despiteDisk(() => step('container-exit/record', () => this.updateContainer(container, ended)));
    container.record = { ...container.record, ...ended };
  }

  async #despiteDisk(save: () => Promise<void>): Promise<void> {
    try {
      await save();
    } catch (error) {
      this.parts.log.warn({ error: messageOf(error) }, 'an end could not be recorded; it is known in memory only');
    }
  }

  containersOf(podId: string): Container[] {
    return [...this.containers.values()].filter((container) => container.record.podId === podId);
  }

  /** The other containers of its pod that run. */
  runningBeside({ id, podId }: ContainerRecord): ContainerRecord[] {
    return this.runningIn(podId).filter((other) => other.id !== id);
  }

  runningIn(podId: string): ContainerRecord[] {
    const records = this.containersOf(podId).map(({ record }) => record);
    return records.filter(({ state }) => state === 'running');
  }

  /** All sandboxes that a kubelet takes for the same pod, the newest first. */
  siblingsOf(pod: Pod): Pod[] {
    const { uid } = pod.record.config.metadata;
    return uid === '' ? [pod] : this.podsOf(uid);
  }

  /** The same by what they have in common, which no kubelet leaves empty. */
  podsOf(uid: string): Pod[] {
    if (uid === '') return [];
    const siblings = [...this.pods.values()].filter(({ record }) => record.config.metadata.uid === uid);
    return siblings.sort(newestFirst);
  }

  /**
   * Of all siblings of the pod, the newest first: with Evented PLEG a kubelet takes the first container of a name for its
   * latest attempt (GetPodStatus of kuberuntime_manager.go does not sort, unlike what it does with lists).
   */
  containersOfSiblings(pod: Pod): Container[] {
    const ids = new Set(this.siblingsOf(pod).map(({ id }) => id));
    return [...this.containers.values()].filter(({ record }) => ids.has(record.podId)).sort(newestFirst);
  }

  /**
   * The moment at which a sandbox is made that takes the place of `others`, or an attempt of a container that follows them. To
   * a kubelet the newest is the one that counts (it sorts by it), so a clock that was set back must not make it older.
   */
  createdAfter(others: readonly Created[]): string {
    let created = nowNs();
    for (const { record } of others) {
      const after = BigInt(record.createdAt) + 1n;
      if (after > created) created = after;
    }
    return String(created);
  }

  /** To be called when the change is on disk and in memory; an object's removal while its pod is still in memory. */
  emit(type: EventType, containerId: string, podId: string): void {
    const pod = this.pods.find(podId);
    const shown = pod === undefined ? undefined : this.#shownFor(type, containerId, pod);
    const containers = pod === undefined ? [] : this.containersOfSiblings(pod).map(({ record }) => record);
    this.events.publish(type, containerId, podId, { pod: shown?.record, containers });
  }

  /**
   * A kubelet forgets the whole pod when it is told that the sandbox in the event is deleted (pleg/evented.go), so the
   * end of an old sandbox comes with the status of the one that took its place.
   */
  #shownFor(type: EventType, containerId: string, pod: Pod): Pod {
    if (type !== 'deleted' || containerId !== pod.id) return pod;
    return this.siblingsOf(pod).find(({ id }) => id !== pod.id) ?? pod;
  }
}

interface Created {
  readonly record: { readonly createdAt: string };
}

function newestFirst(a: Created, b: Created): number {
  return Number(BigInt(b.record.createdAt) - BigInt(a.record.createdAt));
}
