/** What every operation on pods and containers works with: the node's parts, its records, and who listens. */

import path from 'node:path';
import type { CgroupSampler } from '../runtime/cgroups/sampler.js';
import type { Cgroups } from '../runtime/cgroups/types.js';
import { Records } from '../runtime/containers/records.js';
import { messageOf } from '../runtime/errors.js';
import type { ImageStore } from '../runtime/images/types.js';
import type { Keeper } from '../runtime/keeper/protocol.js';
import type { Log } from '../runtime/log.js';
import type { HostFacts } from '../runtime/spec/types.js';
import type { SandboxBackend } from './backend.js';
import { nowNs } from './clock.js';
import { type Container, type ContainerRecord, isContainerRecord } from './container-record.js';
import type { Handlers } from './handlers.js';
import type { PodNetwork } from './network/types.js';
import { isPodRecord, type Pod, type PodRecord, type PodState } from './pod-record.js';
import { Registry } from './registry.js';
import type { ContainerEvent } from './types.js';
import type { WritableLayers } from './writable-layers.js';

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
  readonly sampler: CgroupSampler;
  readonly images: ImageStore;
  readonly network: PodNetwork;
  readonly handlers: Handlers;
  readonly writableLayers: WritableLayers;
  /** Docker and Podman data roots, for recognising their volumes. */
  readonly dockerRoots: readonly string[];
}

export class Node {
  readonly parts: NodeParts;
  readonly pods = new Registry<Pod>('pod');
  readonly containers = new Registry<Container>('container');
  readonly podRecords: Records<PodRecord>;
  readonly containerRecords: Records<ContainerRecord>;
  /** Creations in progress and done, by what makes an object the same one. */
  readonly podNames = new Map<string, Promise<string>>();
  readonly containerNames = new Map<string, Promise<string>>();
  readonly #listeners = new Set<(event: ContainerEvent) => void>();

  constructor(parts: NodeParts) {
    this.parts = parts;
    this.podRecords = new Records(path.join(parts.root, 'pods'), parts.log, isPodRecord);
    this.containerRecords = new Records(path.join(parts.root, 'containers'), parts.log, isContainerRecord);
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
    return this.parts.handlers.get(pod.handler);
  }

  /** On disk first, then in memory: what is reported has survived. */
  async updatePod(pod: Pod, change: Partial<PodRecord>): Promise<void> {
    const next = { ...pod.record, ...change };
    await this.podRecords.save(next);
    pod.record = next;
  }

  async updateContainer(container: Container, change: Partial<ContainerRecord>): Promise<void> {
    const next = { ...container.record, ...change };
    await this.containerRecords.save(next);
    container.record = next;
  }

  /**
   * For an end, which a full or read-only disk must not hold up: pods are stopped to free it. The kernel and the keeper
   * know that it has ended, so the next start comes to the same.
   */
  async endPod(pod: Pod, state: PodState): Promise<void> {
    await this.#despiteDisk(() => this.updatePod(pod, { state }));
    pod.record = { ...pod.record, state };
  }

  async endContainer(container: Container, change: Partial<ContainerRecord>): Promise<void> {
    const ended = { ...change, state: 'exited' as const };
    await this.#despiteDisk(() => this.updateContainer(container, ended));
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

  onEvent(listener: (event: ContainerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(type: ContainerEvent['type'], containerId: string, podId: string): void {
    const event = { type, containerId, podId, createdAt: nowNs() };
    for (const listener of this.#listeners) listener(event);
  }
}
