/**
 * The volumes of a pod of the walk that are inside of its sandbox: an emptyDir, whose content is the sentry's, and a
 * configMap, which is copied. They are made before the pod, as a kubelet makes them.
 */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { localPodsRoot } from '../../cri/cli/pod/local-pods.js';
import { createEmptyDir, removePodVolumes } from '../../volumes/local.js';
import { createConfigVolume } from '../../volumes/local-config.js';
import type { Stage } from './stage.js';

export const SCRATCH = '/scratch';
export const SETTINGS = '/settings';

export class SandboxVolumes {
  readonly #pods: string;
  readonly #uid: string;
  #scratch = '';
  #settings = '';

  constructor(stage: Stage, uid: string) {
    this.#pods = localPodsRoot(join(stage.daemon.dir, 'root'));
    this.#uid = uid;
  }

  async make(): Promise<void> {
    this.#scratch = await createEmptyDir(this.#pods, this.#uid, 'scratch', { medium: '' });
    await this.set('one');
  }

  /** What the configMap's `key` is from now on. */
  async set(key: string): Promise<void> {
    this.#settings = await createConfigVolume(this.#pods, this.#uid, 'settings', { key });
  }

  get mounts(): { containerPath: string; hostPath: string; readonly: boolean }[] {
    return [
      { containerPath: SCRATCH, hostPath: this.#scratch, readonly: false },
      { containerPath: SETTINGS, hostPath: this.#settings, readonly: true },
    ];
  }

  /** While it runs the sentry has one file there; it goes with the sentry, however that ended. */
  async checkFiles(running: boolean): Promise<void> {
    const names = await readdir(this.#scratch);
    const what = running ? 'the content of the emptyDir is in its own directory' : 'nothing is left of the emptyDir';
    assert.deepEqual(
      names.map((name) => name.slice(0, 18)),
      running ? ['.gvisor.filestore.'] : [],
      what,
    );
  }

  async remove(): Promise<void> {
    await removePodVolumes(this.#pods, this.#uid);
  }
}
