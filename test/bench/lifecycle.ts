/** The life of a pod, call by call, the runtimes in turn. */

import type { BareRuntime } from './bare-runtime.js';
import type { Contestant } from './contestant.js';
import { inParallel } from './parallel.js';
import type { PidMode } from './requests.js';
import { type Results, type Runtime, timed } from './results.js';
import type { Workload } from './workload.js';

const EXECS_PER_POD = 3;
/** Below the range that clients' ports are taken from (ip_local_port_range). */
const HOST_PORT = 30_080;
const BATCHES_OF_WIDTH = 2;
const EXECS_AT_A_TIME = 4;

/** Milliseconds of each call of one life. */
type Life = Readonly<Record<string, number>>;

async function live(on: Contestant, workload: Workload, pidMode: PidMode, hostPort?: number): Promise<Life> {
  const { cri } = on;
  const sandboxConfig = await workload.pod(pidMode, hostPort);
  const pod = await timed(() => cri.runtime.runPodSandbox({ config: sandboxConfig }));
  const { podSandboxId } = pod.value;
  const config = workload.container(pidMode, 'polite');
  const create = await timed(() => cri.runtime.createContainer({ podSandboxId, config, sandboxConfig }));
  const { containerId } = create.value;
  const start = await timed(() => cri.runtime.startContainer({ containerId }));
  await workload.untilUp(sandboxConfig);
  const stop = await timed(() => cri.runtime.stopContainer({ containerId, timeout: 10n }));
  const remove = await timed(() => cri.runtime.removeContainer({ containerId }));
  const stopPod = await timed(() => cri.runtime.stopPodSandbox({ podSandboxId }));
  const removePod = await timed(() => cri.runtime.removePodSandbox({ podSandboxId }));
  return {
    RunPodSandbox: pod.ms,
    CreateContainer: create.ms,
    StartContainer: start.ms,
    'CreateContainer + StartContainer': create.ms + start.ms,
    StopContainer: stop.ms,
    RemoveContainer: remove.ms,
    StopPodSandbox: stopPod.ms,
    RemovePodSandbox: removePod.ms,
  };
}

export interface Contestants {
  readonly cni: readonly Contestant[];
  /** crib with its own network. */
  readonly bridge: Contestant | undefined;
}

/** `rounds` pods per runtime and PID mode. The first life on each is not counted. */
export async function measureLifecycle(
  { cni, bridge }: Contestants,
  workload: Workload,
  bare: BareRuntime | undefined,
  rounds: number,
  results: Results,
): Promise<void> {
  for (const on of [...cni, ...(bridge === undefined ? [] : [bridge])]) await live(on, workload, 'POD');
  for (const pidMode of ['CONTAINER', 'POD'] as const) {
    const group = `One pod at a time, PID mode ${pidMode}, bridge and portmap by CNI`;
    const ownGroup = `One pod at a time, PID mode ${pidMode}, crib's own network (containerd: CNI)`;
    for (let round = 0; round < rounds; round++) {
      // Whoever goes second finds warmer caches: they take turns.
      const order = round % 2 === 0 ? cni : [...cni].reverse();
      const own = bridge === undefined ? undefined : await live(bridge, workload, pidMode);
      if (own !== undefined) addLife(results, ownGroup, 'crib', networked(own));
      for (const on of order) {
        const life = await live(on, workload, pidMode);
        addLife(results, group, on.side, life);
        if (on.side === 'containerd' && own !== undefined) addLife(results, ownGroup, 'containerd', networked(life));
      }
      if (bare !== undefined && pidMode === 'CONTAINER') {
        results.add(group, 'CreateContainer + StartContainer', 'ms', 'bare', await bare.createAndStart());
      }
    }
  }
  for (let round = 0; round < Math.ceil(rounds / 3); round++) {
    const order = round % 2 === 0 ? cni : [...cni].reverse();
    const group = 'One pod at a time, one host port, bridge and portmap by CNI';
    for (const on of order)
      addLife(results, group, on.side, networked(await live(on, workload, 'CONTAINER', HOST_PORT)));
  }
}

/** Only what the pod's network has a part in. */
function networked({ RunPodSandbox, StopPodSandbox, RemovePodSandbox }: Life): Life {
  return { RunPodSandbox, StopPodSandbox, RemovePodSandbox } as Life;
}

function addLife(results: Results, group: string, side: Runtime, life: Life): void {
  for (const [name, ms] of Object.entries(life)) results.add(group, name, 'ms', side, ms);
}

/** Batches of pods, `width` at a time, the runtimes in turn. */
export async function measureParallel(
  { cni }: Contestants,
  workload: Workload,
  width: number,
  rounds: number,
  results: Results,
): Promise<void> {
  const group = `${width} pods at a time, PID mode CONTAINER, bridge and portmap by CNI`;
  const items = Array.from({ length: width * BATCHES_OF_WIDTH });
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? cni : [...cni].reverse();
    for (const on of order) {
      const whole = await timed(() => inParallel(width, items, () => live(on, workload, 'CONTAINER')));
      results.add(group, 'whole lives of pods', 'pods/s', on.side, (items.length * 1000) / whole.ms);
      for (const life of whole.value) addLife(results, group, on.side, life);
    }
  }
}

/** ExecSync of `true`, one and several at a time, and what it costs in CPU time. */
export async function measureExec(
  contestants: readonly Contestant[],
  workload: Workload,
  bare: BareRuntime | undefined,
  rounds: number,
  cpuOf: (on: Contestant) => Promise<number>,
  results: Results,
): Promise<void> {
  const group = 'ExecSync of `true`';
  const running = new Map<Contestant, string>();
  for (const on of contestants) running.set(on, (await workload.run(on, 'idle')).container);
  const exec = async (on: Contestant): Promise<number> => {
    const request = { containerId: running.get(on) ?? '', cmd: ['true'], timeout: 10n };
    const { ms, value } = await timed(() => on.cri.runtime.execSync(request));
    if (value.exitCode !== 0) throw new Error(`ExecSync of true on ${on.side} ended with ${value.exitCode}`);
    return ms;
  };
  for (const on of contestants) await exec(on);
  for (let round = 0; round < rounds * EXECS_PER_POD; round++) {
    for (const on of contestants) results.add(group, 'one at a time', 'ms', on.side, await exec(on));
    if (bare !== undefined) results.add(group, 'one at a time', 'ms', 'bare', await bare.exec());
  }
  const batch = Array.from({ length: 40 });
  for (let round = 0; round < 3; round++) {
    for (const on of contestants) {
      const before = await cpuOf(on);
      for (const ms of await inParallel(EXECS_AT_A_TIME, batch, () => exec(on))) {
        results.add(group, `${EXECS_AT_A_TIME} at a time`, 'ms', on.side, ms);
      }
      results.add(group, 'CPU time of one', 'ms', on.side, ((await cpuOf(on)) - before) / batch.length);
    }
    if (bare !== undefined) results.add(group, 'CPU time of one', 'ms', 'bare', await bare.execCpu(batch.length));
  }
  for (const on of contestants) await on.removePods();
}
