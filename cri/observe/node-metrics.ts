/** What the node holds, and how the daemon fares. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ImageStore } from '../../runtime/images/types.js';
import type { PodRuntime } from '../../sandbox/types.js';
import type { Registry, Sample } from './registry.js';

export interface ObservedNode {
  readonly pods: PodRuntime;
  readonly images: ImageStore;
  /** undefined while it is not connected. Bytes. */
  readonly keeper: () => Promise<{ readonly residentBytes: number } | undefined>;
}

const LOOP_RESOLUTION_MS = 20;

/** Adds the node's metrics; what it returns ends the measuring. */
export function nodeMetrics(registry: Registry, { pods, images, keeper }: ObservedNode): () => void {
  registry.sampled('gauge', 'crib_pods', 'Pods, by state', () =>
    byState(
      ['ready', 'not-ready'],
      pods.listPods({}).map(({ state }) => state),
    ),
  );
  registry.sampled('gauge', 'crib_containers', 'Containers, by state', () =>
    byState(
      ['created', 'running', 'exited'],
      pods.listContainers({}).map(({ state }) => state),
    ),
  );
  registry.sampled('gauge', 'crib_images', 'Images on this node', () => one(images.list().length));
  registry.sampled(
    'gauge',
    'crib_image_bytes',
    'Compressed size of the images, layers of several counted for each',
    () => one(images.list().reduce((sum, { size }) => sum + size, 0)),
  );
  registry.sampled('gauge', 'crib_network_ready', '1 when pods get a network', () =>
    one(pods.networkReadiness().ready ? 1 : 0),
  );
  registry.sampled('gauge', 'crib_keeper_up', '1 when the keeper is connected', async () =>
    one((await keeper()) === undefined ? 0 : 1),
  );
  registry.sampled('gauge', 'crib_keeper_resident_bytes', 'Memory of the keeper', async () => {
    const found = await keeper();
    return found === undefined ? [] : one(found.residentBytes);
  });
  return processMetrics(registry);
}

/** By the names that Prometheus' own client libraries use. */
function processMetrics(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  registry.sampled('gauge', 'process_resident_memory_bytes', 'Memory of the daemon', () =>
    one(process.memoryUsage.rss()),
  );
  registry.sampled('gauge', 'nodejs_heap_size_used_bytes', 'Heap in use', () => one(process.memoryUsage().heapUsed));
  registry.sampled('counter', 'process_cpu_seconds_total', 'CPU time that the daemon used', () => {
    const { user, system } = process.cpuUsage();
    return one((user + system) / 1e6);
  });
  registry.sampled('gauge', 'process_start_time_seconds', 'When the daemon started, in seconds since 1970', () =>
    one(Math.round(performance.timeOrigin / 1000)),
  );
  registry.sampled(
    'gauge',
    'crib_event_loop_delay_seconds',
    'How late the event loop was since the last scrape, beyond what it is asked for',
    () => {
      const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - LOOP_RESOLUTION_MS / 1000);
      const samples = ['50', '99', '100'].map((percent) => ({
        labels: { quantile: String(Number(percent) / 100) },
        value: late(delay.percentile(Number(percent))),
      }));
      delay.reset();
      return samples;
    },
  );
  return () => delay.disable();
}

function one(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}

/** A state without an object is 0, not absent: an alert on its absence would be none. */
function byState(states: readonly string[], found: readonly string[]): readonly Sample[] {
  const all = [...new Set([...states, ...found])];
  return all.map((state) => ({ labels: { state }, value: found.filter((other) => other === state).length }));
}
