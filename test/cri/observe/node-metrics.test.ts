import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nodeMetrics, type ObservedNode } from '../../../cri/observe/node-metrics.js';
import { Registry } from '../../../cri/observe/registry.js';
import type { ImageStore } from '../../../runtime/images/types.js';
import type { PodRuntime } from '../../../sandbox/types.js';

interface Held {
  readonly pods?: readonly string[];
  readonly containers?: readonly string[];
  readonly sizes?: readonly number[];
  readonly ready?: boolean;
  readonly keeper?: ObservedNode['keeper'];
}

/** The values of a scrape, by metric with its labels. */
async function scrape(t: TestContext, held: Held): Promise<Record<string, number>> {
  const states = (list: readonly string[] = []) => list.map((state) => ({ state }));
  const pods = {
    listPods: () => states(held.pods),
    listContainers: () => states(held.containers),
    networkReadiness: () => ({ ready: held.ready ?? true, reason: '', message: '' }),
  } as unknown as PodRuntime;
  const images = { list: () => (held.sizes ?? []).map((size) => ({ size })) } as unknown as ImageStore;
  const registry = new Registry();
  t.after(nodeMetrics(registry, { pods, images, keeper: held.keeper ?? (async () => undefined) }));
  return read(registry);
}

async function read(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
}

test('a state without an object is 0, and one that is passed through only is told while it lasts', async (t) => {
  const values = await scrape(t, { pods: ['ready', 'stopping', 'ready'], containers: ['running'] });
  assert.equal(values['crib_pods{state="ready"}'], 2);
  assert.equal(values['crib_pods{state="not-ready"}'], 0);
  assert.equal(values['crib_pods{state="stopping"}'], 1);
  assert.equal(values['crib_pods{state="creating"}'], undefined);
  const states = ['created', 'running', 'exited'].map((state) => values[`crib_containers{state="${state}"}`]);
  assert.deepEqual(states, [0, 1, 0]);
});

test('images and their bytes, and whether pods get a network', async (t) => {
  const values = await scrape(t, { sizes: [5, 7], ready: false });
  assert.deepEqual([values.crib_images, values.crib_image_bytes, values.crib_network_ready], [2, 12, 0]);
  assert.equal((await scrape(t, {})).crib_network_ready, 1);
});

test('a keeper that is away is down, and its memory is not known rather than 0', async (t) => {
  const away = await scrape(t, {});
  assert.deepEqual([away.crib_keeper_up, away.crib_keeper_resident_bytes], [0, undefined]);
  const there = await scrape(t, { keeper: async () => ({ residentBytes: 42 }) });
  assert.deepEqual([there.crib_keeper_up, there.crib_keeper_resident_bytes], [1, 42]);
});

test('the daemon’s own figures are in seconds and bytes', async (t) => {
  const values = await scrape(t, {});
  const resident = values.process_resident_memory_bytes ?? 0;
  assert.ok(resident > 10e6 && resident < 4e9, `${resident} bytes`);
  const cpu = process.cpuUsage();
  const used = values.process_cpu_seconds_total ?? 0;
  assert.ok(used > 0 && used <= (cpu.user + cpu.system) / 1e6, `${used} s`);
  const started = values.process_start_time_seconds ?? 0;
  assert.ok(Math.abs(Date.now() / 1000 - process.uptime() - started) < 5, `${started}`);
});

test('the event loop’s delay is what it was late since the last scrape', async (t) => {
  const registry = new Registry();
  const pods = { listPods: () => [], listContainers: () => [], networkReadiness: () => ({ ready: true }) };
  const node = { pods, images: { list: () => [] }, keeper: async () => undefined };
  t.after(nodeMetrics(registry, node as unknown as ObservedNode));
  const latest = async () => (await read(registry))['crib_event_loop_delay_seconds{quantile="1"}'] ?? -1;
  const turn = () => new Promise((resolve) => setTimeout(resolve, 50));
  await turn();
  for (const end = performance.now() + 120; performance.now() < end; );
  await turn();
  const late = await latest();
  assert.ok(late >= 0.09 && late < 10, `${late} s`);
  // A turn that is late by chance is not late as long as that one again and again.
  for (let tries = 0; ; tries++) {
    await turn();
    if ((await latest()) < 0.09) break;
    assert.ok(tries < 50, 'the old delay is told for ever');
  }
});
