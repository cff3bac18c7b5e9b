/**
 * The pods of one node. Each operation is in a file of its own (`pod-run.ts`, `container-start.ts`…); this one puts
 * them together as the PodRuntime that `cri/` calls.
 */

import type { ContainerConfig, Resources } from '../runtime/containers/config.js';
import { CribError, messageOf } from '../runtime/errors.js';
import type { KeptContainer } from '../runtime/keeper/protocol.js';
import type { PodConfig } from './config.js';
import { checkpointContainer } from './container-checkpoint.js';
import { createContainer } from './container-create.js';
import { finishExit } from './container-exit.js';
import { removeContainer } from './container-remove.js';
import { startContainer } from './container-start.js';
import { stopContainer } from './container-stop.js';
import { updateContainer } from './container-update.js';
import { eventView } from './events/event.js';
import { execSync } from './exec-sync.js';
import { PodMetrics } from './metrics.js';
import { Node, type NodeParts } from './node.js';
import { podOfInit } from './pod/init-rootfs.js';
import { removePod } from './pod-remove.js';
import { runPod } from './pod-run.js';
import { requireReady, stopPod } from './pod-stop.js';
import { reconcile } from './reconcile.js';
import { labelsMatch } from './registry.js';
import { createSessions } from './sessions.js';
import { statsOfContainer, statsOfPod, upperOf } from './stats.js';
import type { Sessions } from './streams.js';
import type {
  ContainerEvent,
  ContainerFilter,
  ContainerStatsView,
  PodFilter,
  PodRuntime,
  PodStatsView,
} from './types.js';
import { containerInfo, podInfo } from './verbose.js';

export function createPodRuntime(parts: NodeParts): PodRuntime {
  return new NodeRuntime(new Node(parts));
}

class NodeRuntime implements PodRuntime {
  readonly sessions: Sessions;
  readonly #node: Node;
  readonly #metrics: PodMetrics;

  constructor(node: Node) {
    this.#node = node;
    this.#metrics = new PodMetrics(node);
    this.sessions = createSessions(node);
  }

  get cgroupDriver() {
    return this.#node.parts.cgroupDriver.name;
  }

  async open(): Promise<void> {
    const { keeper } = this.#node.parts;
    keeper.onExit((kept) => void this.#exited(kept));
    await this.#node.trash.open();
    await reconcile(this.#node);
  }

  async close(): Promise<void> {
    this.#node.rechecks.close();
    this.#node.parts.writableLayers.close();
    this.#node.parts.volumeUsage.close();
    this.#node.parts.podObjects?.close();
    this.#node.parts.handlers.close();
    this.#node.parts.keeper.disconnect();
    await this.#node.parts.network.close();
    await this.#node.events.close();
    await this.#node.trash.close();
  }

  runPod(config: PodConfig, handler: string, signal: AbortSignal): Promise<string> {
    return runPod(this.#node, config, handler, signal);
  }

  stopPod(id: string): Promise<void> {
    return stopPod(this.#node, id);
  }

  removePod(id: string): Promise<void> {
    return removePod(this.#node, id);
  }

  podStatus(id: string) {
    return this.#node.pods.get(id).view();
  }

  containersOfPod(id: string) {
    return this.#node.containersOfSiblings(this.#node.pods.get(id)).map((container) => container.view());
  }

  listPods(filter: PodFilter) {
    const views = [];
    for (const pod of this.#node.pods.values()) {
      if (pod.record.state === 'creating') continue;
      if (filter.id !== undefined && !pod.id.startsWith(filter.id)) continue;
      if (!labelsMatch(pod.record.config.labels, filter.labels)) continue;
      const view = pod.view();
      if (filter.state === undefined || filter.state === view.state) views.push(view);
    }
    return views;
  }

  async updatePodResources(id: string, overhead: Resources | undefined, resources: Resources | undefined) {
    const pod = this.#node.pods.get(id);
    await pod.serial.run(async () => {
      requireReady(pod);
      const { config, cgroup, ownsCgroup } = pod.record;
      // What the request leaves out stays as it is.
      const next = { ...config, overhead: overhead ?? config.overhead, resources: resources ?? config.resources };
      if (ownsCgroup && resources !== undefined) await this.#node.parts.cgroups.apply(cgroup, resources);
      await this.#node.updatePod(pod, () => ({ config: next }));
    });
  }

  createContainer(podId: string, config: ContainerConfig, podConfig: PodConfig | undefined): Promise<string> {
    return createContainer(this.#node, podId, config, podConfig);
  }

  startContainer(id: string): Promise<void> {
    return startContainer(this.#node, id);
  }

  stopContainer(id: string, timeoutMs: number): Promise<void> {
    return stopContainer(this.#node, id, timeoutMs);
  }

  removeContainer(id: string): Promise<void> {
    return removeContainer(this.#node, id);
  }

  containerStatus(id: string) {
    return this.#node.containers.get(id).view();
  }

  listContainers(filter: ContainerFilter) {
    return this.#filterContainers(filter).map((container) => container.view());
  }

  updateContainerResources(id: string, resources: Resources): Promise<void> {
    return updateContainer(this.#node, id, resources);
  }

  async reopenContainerLog(id: string): Promise<void> {
    const { record } = this.#node.containers.get(id);
    if (record.state !== 'running') {
      throw new CribError('FAILED_PRECONDITION', `container ${record.id} is ${record.state}: it writes no log`);
    }
    await this.#node.parts.keeper.reopenLog(record.id);
  }

  checkpointContainer(id: string, location: string, timeoutMs: number): Promise<void> {
    return checkpointContainer(this.#node, id, location, timeoutMs);
  }

  execSync(id: string, command: readonly string[], timeoutMs: number, signal: AbortSignal) {
    return execSync(this.#node, id, command, timeoutMs, signal);
  }

  containerStats(id: string): Promise<ContainerStatsView> {
    return statsOfContainer(this.#node, this.#node.containers.get(id));
  }

  listContainerStats(filter: ContainerFilter): Promise<ContainerStatsView[]> {
    const running = this.#filterContainers({ state: 'running', ...filter });
    return Promise.all(running.map((container) => statsOfContainer(this.#node, container)));
  }

  podStats(id: string): Promise<PodStatsView> {
    return statsOfPod(this.#node, this.#node.pods.get(id));
  }

  listPodStats(filter: PodFilter): Promise<PodStatsView[]> {
    const pods = this.listPods({ state: 'ready', ...filter });
    return Promise.all(pods.map(({ id }) => statsOfPod(this.#node, this.#node.pods.get(id))));
  }

  podMetrics() {
    return this.#metrics.all();
  }

  containerInfo(id: string): Promise<Record<string, unknown>> {
    return containerInfo(this.#node, this.#node.containers.get(id).record);
  }

  podInfo(id: string): Promise<Record<string, unknown>> {
    return podInfo(this.#node, this.#node.pods.get(id));
  }

  networkReadiness() {
    return this.#node.parts.network.readiness();
  }

  handlers() {
    return this.#node.parts.handlers.list();
  }

  async *events(signal: AbortSignal, onlooker = false): AsyncGenerator<ContainerEvent, void, undefined> {
    for await (const event of this.#node.events.subscribe(signal, onlooker)) yield eventView(event);
  }

  layersInUse(): ReadonlySet<string> {
    const { containers, layersHeld } = this.#node;
    const made = [...containers.values()].flatMap((container) => container.record.chain);
    return new Set([...made, ...[...layersHeld.values()].flat()]);
  }

  async writableLayersUsage() {
    const { writableLayers } = this.#node.parts;
    for (const { id } of this.#node.containers.values()) writableLayers.usage(id, upperOf(this.#node, id));
    return writableLayers.total();
  }

  #filterContainers(filter: ContainerFilter) {
    return [...this.#node.containers.values()].filter(
      ({ id, record }) =>
        (filter.id === undefined || id.startsWith(filter.id)) &&
        (filter.podId === undefined || record.podId.startsWith(filter.podId)) &&
        (filter.state === undefined || record.state === filter.state) &&
        labelsMatch(record.config.labels, filter.labels),
    );
  }

  async #exited(kept: KeptContainer): Promise<void> {
    if (kept.exit === undefined) return;
    const podId = podOfInit(kept.id);
    if (podId !== undefined) return this.#servantEnded(podId);
    const container = this.#node.containers.find(kept.id);
    if (container === undefined) return;
    try {
      await finishExit(this.#node, container, kept.exit);
    } catch (error) {
      // The keeper has it on disk: a stop, a removal or the next start takes it from there.
      this.#node.parts.log.error({ container: kept.id, error: messageOf(error) }, 'an exit could not be recorded');
    }
  }

  /** A pod ends with the process that serves it: its sentry, or the init of its shared PID namespace. */
  async #servantEnded(podId: string): Promise<void> {
    const pod = this.#node.pods.find(podId);
    if (pod?.record.state !== 'ready') return;
    const { log } = this.#node.parts;
    log.warn({ pod: podId }, 'the process that serves a pod has ended: the pod is stopped');
    await stopPod(this.#node, podId).catch((error: unknown) => {
      log.error({ pod: podId, error: messageOf(error) }, 'a pod whose process has ended could not be stopped');
    });
  }
}
