/** `crib volumes`: the volumes of one pod, or of all, with kind, route, reason, size, use and who mounts them. */

import { CribError } from '../../../runtime/errors.js';
import type { VolumeView } from '../../../sandbox/volume-views.js';
import type { PodSandbox } from '../../api/generated/index.js';
import type { CriClient } from '../../client.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { findPod } from '../lookup.js';
import { shortId, toJson } from '../output.js';
import { parseInfo, podVolumesOf } from '../verbose-info.js';
import { podVolumeTable } from '../volume-table.js';

interface PodVolumes {
  readonly pod: { readonly id: string; readonly namespace: string; readonly name: string };
  readonly volumes: readonly VolumeView[];
}

export async function volumes(invocation: Invocation, name: string | undefined): Promise<void> {
  const pods = await withDaemon(invocation, async (cri) => {
    const wanted = name === undefined ? (await cri.runtime.listPodSandbox({})).items : [await findPod(cri, name)];
    const found: PodVolumes[] = [];
    for (const pod of wanted) found.push(...(await volumesOf(cri, pod)));
    return found;
  });
  process.stdout.write(`${invocation.json ? toJson(pods) : tableOf(pods, name === undefined)}\n`);
}

/** Nothing for a pod that is removed meanwhile. */
async function volumesOf(cri: CriClient, { id, metadata }: PodSandbox): Promise<PodVolumes[]> {
  const response = await cri.runtime.podSandboxStatus({ podSandboxId: id, verbose: true }).catch(ignoreMissing);
  if (response === undefined) return [];
  const pod = { id, namespace: metadata?.namespace ?? '', name: metadata?.name ?? shortId(id) };
  return [{ pod, volumes: podVolumesOf(parseInfo(response.info)) }];
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof CribError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}

function tableOf(pods: readonly PodVolumes[], withPods: boolean): string {
  return podVolumeTable(
    pods.flatMap(({ pod, volumes: list }) =>
      list.map((volume) => ({ volume, ...(withPods ? { pod: `${pod.namespace}/${pod.name}` } : {}) })),
    ),
  );
}
