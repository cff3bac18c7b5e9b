/**
 * After a restart, before any client asks for anything: every pod is fully there or fully gone. What the daemon lists
 * is held against what lies on the disk and in the kernel, whose names all begin with the id of their pod or container.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PodSandboxState } from '../../cri/api/generated/pod.js';
import type { Contestant } from '../bench/contestant.js';

/** An interface and its record go behind StopPodSandbox's back, within a grace period of the kernel. */
const SETTLE_MS = 3_000;
const POLL_MS = 20;
const ID = /[0-9a-f]{64}/;

/** What is half there, in words; empty when all is well. */
export async function audit(daemon: Contestant): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const found = await findHalves(daemon);
    if (found.length === 0 || performance.now() > deadline) return found;
    await sleep(POLL_MS);
  }
}

async function findHalves({ cri, dir }: Contestant): Promise<string[]> {
  const [{ items }, { containers }, mounts] = await Promise.all([
    cri.runtime.listPodSandbox({}),
    cri.runtime.listContainers({}),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  const state = join(dir, 'state');
  const ready = items.filter((pod) => pod.state === PodSandboxState.SANDBOX_READY).map(({ id }) => id);
  const known = {
    pods: new Set(items.map(({ id }) => id)),
    ready: new Set(ready),
    containers: new Set(containers.map(({ id }) => id)),
    all: new Set([...items, ...containers].map(({ id }) => id)),
  };
  const points = mounts.split('\n').map((line) => line.split(' ')[4] ?? '');
  return [
    ...repeated(items.map(({ metadata }) => metadata?.name ?? '')).map((name) => `pod ${name} is there twice`),
    ...containers
      .filter(({ podSandboxId }) => !known.pods.has(podSandboxId))
      .map(({ id }) => `container ${id} is in a pod that is not there`),
    ...ready.filter((id) => !points.includes(`${state}/pods/${id}/ns/net`)).map((id) => `pod ${id} has no network`),
    ...strangers(
      points.filter((point) => point.startsWith(`${dir}/`)),
      known.all,
    ),
    ...strangers(await namesIn(join(state, 'pods')), known.ready),
    ...strangers(await namesIn(join(state, 'containers')), known.containers),
    ...strangers(await namesIn(join(state, 'oci', 'runc')), known.all),
    ...strangers(await namesIn(join(state, 'keeper')), known.all),
    ...strangers(await namesIn(join(dir, 'root', 'pods')), known.pods),
    ...strangers(await namesIn(join(dir, 'root', 'containers')), known.containers),
    ...strangers(await namesIn(join(dir, 'root', 'network')), known.ready),
    ...strangers(await cgroupNames(), known.ready),
  ];
}

async function namesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  return names.map((name) => join(directory, name));
}

async function cgroupNames(): Promise<string[]> {
  const root = '/sys/fs/cgroup';
  const lists = (await readdir(root)).map((hierarchy) => namesIn(join(root, hierarchy, 'crib')));
  return (await Promise.all(lists)).flat();
}

/** The paths of pods and containers that are none of `known`. */
function strangers(paths: readonly string[], known: ReadonlySet<string>): string[] {
  return paths
    .filter((path) => {
      const id = ID.exec(path)?.[0];
      return id !== undefined && !known.has(id);
    })
    .map((path) => `${path} belongs to nothing that is there`);
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
