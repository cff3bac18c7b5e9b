/** What a kubelet calls again and again, with many containers running: statuses, lists, statistics, probes by exec. */

import { RuntimeService } from '../../cri/api/generated/services.js';
import type { Contestant } from './contestant.js';
import { type Results, timed } from './results.js';
import type { Running } from './workload.js';

const CALLS = 10;

export async function measureCalls(
  on: Contestant,
  running: readonly Running[],
  count: number,
  results: Results,
): Promise<void> {
  const group = `Calls with ${count} running containers`;
  for (const [name, call] of Object.entries(callsOf(on, running))) {
    try {
      await call();
      for (let i = 0; i < CALLS; i++) results.add(group, name, 'ms', on.side, (await timed(call)).ms);
    } catch (error) {
      results.note(`${on.side}: ${String(error).slice(0, 200)}`);
    }
  }
}

/** Lists are taken as the bytes that they are: decoding them is this client's affair, and costs more than the call. */
function callsOf(on: Contestant, running: readonly Running[]): Record<string, () => Promise<unknown>> {
  const { cri } = on;
  const podSandboxId = running[0]?.pod ?? '';
  const containerId = running[0]?.container ?? '';
  const bytesOf = ({ path }: { readonly path: string }) => cri.raw(path, Buffer.alloc(0));
  return {
    Version: () => cri.runtime.version({}),
    Status: () => cri.runtime.status({}),
    ListPodSandbox: () => bytesOf(RuntimeService.listPodSandbox),
    ListContainers: () => bytesOf(RuntimeService.listContainers),
    PodSandboxStatus: () => cri.runtime.podSandboxStatus({ podSandboxId }),
    ContainerStatus: () => cri.runtime.containerStatus({ containerId }),
    ListContainerStats: () => bytesOf(RuntimeService.listContainerStats),
    ListPodSandboxStats: () => bytesOf(RuntimeService.listPodSandboxStats),
    ContainerStats: () => cri.runtime.containerStats({ containerId }),
    ListImages: () => cri.images.listImages({}),
    ImageFsInfo: () => cri.images.imageFsInfo({}),
    'ExecSync of `true`': () => cri.runtime.execSync({ containerId, cmd: ['true'], timeout: 30n }),
  };
}
