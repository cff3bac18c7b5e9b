/** Reads a Pod from the cluster's API, and of it what its volumes are declared as. */

import { ApiException, CoreV1Api, KubeConfig, type V1Pod, type V1Volume } from '@kubernetes/client-node';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { PodObject } from '../../sandbox/pod-objects.js';
import type { DeclaredVolume } from '../../volumes/types.js';
import { parseQuantity } from '../cli/quantity.js';

/** On a mirror pod: the uid under which the kubelet runs the static pod (k8s.io/kubernetes/pkg/kubelet/types). */
const STATIC_UID = 'kubernetes.io/config.hash';

export class PodClient {
  readonly #api: CoreV1Api;

  /** Reads the file now. Throws FAILED_PRECONDITION naming it where it is no kubeconfig. */
  constructor(kubeconfig: string) {
    const config = new KubeConfig();
    try {
      config.loadFromFile(kubeconfig);
      this.#api = config.makeApiClient(CoreV1Api);
    } catch (cause) {
      throw new CribError('FAILED_PRECONDITION', `reading kubeconfig ${kubeconfig}: ${messageOf(cause)}`, { cause });
    }
  }

  /** undefined: there is no such pod. Throws a refusal; its caller limits the time (pod-thread.ts). */
  async read(namespace: string, name: string): Promise<PodObject | undefined> {
    try {
      return podObjectOf(await this.#api.readNamespacedPod({ namespace, name }));
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return undefined;
      throw error;
    }
  }
}

export function podObjectOf({ metadata, spec }: Pick<V1Pod, 'metadata' | 'spec'>): PodObject {
  const uids = [metadata?.uid, metadata?.annotations?.[STATIC_UID]];
  return {
    uids: uids.filter((uid) => uid !== undefined),
    volumes: Object.fromEntries((spec?.volumes ?? []).map((volume) => [volume.name, declaredOf(volume)])),
  };
}

/** A volume has one source: the one field beside its name (core/v1, VolumeSource). */
function declaredOf(volume: V1Volume): DeclaredVolume {
  const { name, emptyDir, ...sources } = volume;
  if (emptyDir === undefined) {
    const type = Object.entries(sources).find(([, source]) => source !== undefined)?.[0];
    return { type: type ?? 'emptyDir', emptyDir: undefined };
  }
  const { medium = '', sizeLimit } = emptyDir;
  const field = `spec.volumes[${name}].emptyDir.sizeLimit`;
  const limited = sizeLimit === undefined || sizeLimit === '0' ? undefined : parseQuantity(String(sizeLimit), field);
  return { type: 'emptyDir', emptyDir: { medium, sizeLimitBytes: limited } };
}
