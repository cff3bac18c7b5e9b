/**
 * What a cluster's Pod objects say of volumes, where a kubeconfig is given. Asked only for what no directory tells, and
 * remembered; a cluster that does not answer fails no pod: then the facts decide alone.
 */

import { performance } from 'node:perf_hooks';
import { messageOf } from '../runtime/errors.js';
import type { Log } from '../runtime/log.js';
import type { DeclaredVolume } from '../volumes/types.js';
import type { PodMetadata } from './config.js';

export interface PodObject {
  /** Its own, and of a mirror pod that of the static pod which runs here. */
  readonly uids: readonly string[];
  /** By the volume's name. */
  readonly volumes: Readonly<Record<string, DeclaredVolume>>;
}

export interface PodSource {
  /** undefined: there is no such pod. Throws where there is no answer within `timeoutMs`, or a refusal. */
  read(namespace: string, name: string, timeoutMs: number): Promise<PodObject | undefined>;
  close(): void;
}

/** A kubelet waits two minutes for a container: this must not be what it waits for. */
const TIMEOUT_MS = 3_000;
/** After a failure nobody else waits for the same. */
const PAUSE_MS = 30_000;
/** More than a node has pods; the volumes of a pod never change. */
const MAX_PODS = 512;

export class PodObjects {
  readonly #source: PodSource;
  readonly #log: Log;
  readonly #now: () => number;
  /** By uid, the one that was asked for longest ago first. */
  readonly #pods = new Map<string, Promise<PodObject | undefined>>();
  #askAgainAt = Number.NEGATIVE_INFINITY;

  constructor(source: PodSource, log: Log, now = () => performance.now()) {
    this.#source = source;
    this.#log = log;
    this.#now = now;
  }

  /** How a volume of the pod is declared; undefined where the cluster does not say, or not in time. Never throws. */
  async volume(pod: PodMetadata, name: string): Promise<DeclaredVolume | undefined> {
    const known = this.#pods.get(pod.uid);
    if (pod.uid === '' || (known === undefined && this.#now() < this.#askAgainAt)) return undefined;
    const read = known ?? this.#read(pod);
    this.#remember(pod.uid, read);
    const volumes = (await read)?.volumes;
    return volumes !== undefined && Object.hasOwn(volumes, name) ? volumes[name] : undefined;
  }

  close(): void {
    this.#source.close();
  }

  async #read(pod: PodMetadata): Promise<PodObject | undefined> {
    const { namespace, name, uid } = pod;
    try {
      const found = await this.#source.read(namespace, name, TIMEOUT_MS);
      if (found?.uids.includes(uid) === true) return found;
      this.#log.debug({ namespace, name, uid }, 'the cluster does not have this pod');
    } catch (error) {
      this.#askAgainAt = this.#now() + PAUSE_MS;
      this.#log.warn(
        { namespace, name, error: messageOf(error) },
        `the Pod object could not be read: volumes go by what the host says of them; asked again in ${PAUSE_MS} ms`,
      );
    }
    return this.#forget(uid);
  }

  /** What was not found may be there the next time: a mirror pod is made after its static pod. */
  #forget(uid: string): undefined {
    this.#pods.delete(uid);
  }

  #remember(uid: string, read: Promise<PodObject | undefined>): void {
    this.#pods.delete(uid);
    this.#pods.set(uid, read);
    for (const oldest of this.#pods.keys()) {
      if (this.#pods.size <= MAX_PODS) break;
      this.#pods.delete(oldest);
    }
  }
}
