/** `crib run`: a Pod manifest without a kubelet. Leaves nothing behind, unless it is told to. */

import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { attempting, CribError, messageOf } from '../../../runtime/errors.js';
import type { CriClient } from '../../client.js';
import { loadConfig } from '../config.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { type PodManifest, readManifest } from '../manifest.js';
import { shortId } from '../output.js';
import { localPodsRoot, logDirectoryOf, removeLocalPod } from '../pod/local-pods.js';
import { patiently } from '../pod/patience.js';
import { PodOutput } from '../pod/pod-output.js';
import { type PodIdentity, podRequest } from '../pod/requests.js';
import { type Ended, Supervisor } from '../pod/supervisor.js';
import { makeVolumes, type VolumePaths } from '../pod/volumes.js';
import { pullWithProgress } from '../pull-progress.js';

export interface RunOptions {
  readonly detach?: boolean;
  readonly handler?: string;
}

/** Exit code of a program that a signal ended, as shells give it. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export async function run(invocation: Invocation, file: string, options: RunOptions): Promise<void> {
  const manifest = await readPodFile(file);
  const { root } = await loadConfig(invocation.configFile, {});
  await withDaemon(invocation, (cri) => new PodRun(cri, manifest, localPodsRoot(root), invocation, options).run());
}

/** Throws INVALID_ARGUMENT naming the file and what is wrong in it. */
async function readPodFile(file: string): Promise<PodManifest> {
  try {
    const text = await fs.readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
    const document = parseDocument(text);
    const problem = document.errors[0];
    if (problem !== undefined) throw new CribError('INVALID_ARGUMENT', problem.message);
    return readManifest(document.toJS());
  } catch (error) {
    throw attempting(file, error);
  }
}

class PodRun {
  readonly #cri: CriClient;
  readonly #manifest: PodManifest;
  readonly #localPods: string;
  readonly #options: RunOptions;
  readonly #output: PodOutput;
  readonly #identity: PodIdentity;
  readonly #stopping = new AbortController();
  readonly #killing = new AbortController();
  #podSandboxId = '';

  constructor(cri: CriClient, manifest: PodManifest, localPods: string, invocation: Invocation, options: RunOptions) {
    this.#cri = cri;
    this.#manifest = manifest;
    this.#localPods = localPods;
    this.#options = options;
    this.#output = new PodOutput(manifest, invocation.json);
    const uid = randomUUID();
    this.#identity = { uid, logDirectory: logDirectoryOf(localPods, uid) };
  }

  /** Sets the exit code. Throws what kept the pod from running, after it has cleaned up. */
  async run(): Promise<void> {
    const onSignal = (signal: keyof typeof SIGNAL_CODES) => this.#signalled(signal);
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
    let keep = false;
    try {
      await this.#runPod();
      keep = this.#options.detach === true && !this.#stopping.signal.aborted;
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
      this.#output.say(messageOf(error));
    } finally {
      if (!keep) await this.#cleanUp();
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  }

  #signalled(signal: keyof typeof SIGNAL_CODES): void {
    process.exitCode = SIGNAL_CODES[signal];
    if (this.#stopping.signal.aborted) {
      this.#output.say('killing');
      this.#killing.abort();
      return;
    }
    const seconds = this.#manifest.terminationGraceSeconds;
    this.#output.say(`stopping, for at most ${seconds} s; again to kill`);
    this.#stopping.abort();
  }

  async #runPod(): Promise<void> {
    await this.#pullImages();
    const volumes = await makeVolumes(this.#localPods, this.#identity.uid, this.#manifest);
    await this.#makeLogDirectories();
    this.#stopping.signal.throwIfAborted();
    const { podSandboxId } = await this.#cri.runtime.runPodSandbox({
      config: podRequest(this.#manifest, this.#identity),
      runtimeHandler: this.#options.handler ?? this.#manifest.runtimeClassName,
    });
    this.#podSandboxId = podSandboxId;
    await this.#runContainers(this.#supervisor(volumes));
  }

  async #runContainers(supervisor: Supervisor): Promise<void> {
    const stop = (seconds: number) =>
      void supervisor.stopAll(seconds).catch((error: unknown) => this.#output.say(messageOf(error)));
    this.#stopping.signal.addEventListener('abort', () => stop(this.#manifest.terminationGraceSeconds));
    this.#killing.signal.addEventListener('abort', () => stop(0));
    const failed = await supervisor.runInit();
    if (this.#stopping.signal.aborted) return;
    if (failed !== undefined) {
      this.#output.say(`init container ${failed.name} ended with ${failed.exitCode}`);
      process.exitCode = failed.exitCode;
      return;
    }
    if (this.#options.detach === true) return this.#detach(supervisor);
    await this.#announce();
    const ended = await supervisor.runAll();
    if (!this.#stopping.signal.aborted) process.exitCode = firstFailure(ended)?.exitCode ?? 0;
  }

  async #detach(supervisor: Supervisor): Promise<void> {
    await supervisor.startAll();
    if (this.#manifest.restartPolicy !== 'Never') {
      this.#output.say(`nothing applies restartPolicy ${this.#manifest.restartPolicy} to a detached pod`);
    }
    this.#output.result(this.#podSandboxId);
  }

  #supervisor(volumes: VolumePaths): Supervisor {
    return new Supervisor({
      cri: this.#cri,
      manifest: this.#manifest,
      identity: this.#identity,
      podSandboxId: this.#podSandboxId,
      localPods: this.#localPods,
      volumes,
      stopping: this.#stopping.signal,
      started: (container, status, ended) => this.#output.follow(container.name, status.logPath, ended),
      say: (line) => this.#output.say(line),
    });
  }

  async #pullImages(): Promise<void> {
    const { initContainers, containers } = this.#manifest;
    const all = [...initContainers, ...containers];
    const { signal } = this.#stopping;
    for (const image of new Set(all.map((container) => container.image))) {
      const always = all.some((container) => container.image === image && container.alwaysPull);
      const there = await this.#cri.images.imageStatus({ image: { image } });
      if (there.image === undefined || always) await pullWithProgress(this.#cri, image, signal);
      signal.throwIfAborted();
    }
  }

  async #makeLogDirectories(): Promise<void> {
    const { initContainers, containers } = this.#manifest;
    for (const { name } of [...initContainers, ...containers]) {
      await fs.mkdir(path.join(this.#identity.logDirectory, name), { recursive: true, mode: 0o755 });
    }
  }

  async #announce(): Promise<void> {
    const { status } = await this.#cri.runtime.podSandboxStatus({ podSandboxId: this.#podSandboxId });
    const ip = status?.network?.ip ?? '';
    const ports = this.#manifest.containers
      .flatMap((container) => container.ports)
      .filter(({ hostPort }) => hostPort > 0)
      .map(({ hostIp, hostPort, containerPort }) => `${hostIp || '*'}:${hostPort} -> ${containerPort}`);
    const where = [ip, ...ports].filter((part) => part !== '').join(', ');
    const pod = `pod ${this.#manifest.name} (${shortId(this.#podSandboxId)})`;
    this.#output.say(`${pod} runs${where === '' ? '' : `: ${where}`}; Ctrl-C stops and removes it`);
  }

  /** The volumes stay where the pod could not be removed: something may still write to them. */
  async #cleanUp(): Promise<void> {
    const podSandboxId = this.#podSandboxId;
    try {
      if (podSandboxId !== '') {
        await patiently(() => this.#cri.runtime.stopPodSandbox({ podSandboxId }));
        await patiently(() => this.#cri.runtime.removePodSandbox({ podSandboxId }));
      }
      await removeLocalPod(this.#identity.logDirectory, this.#identity.uid);
    } catch (error) {
      this.#output.say(`cleaning up: ${messageOf(error)}; crib rm -f ${shortId(podSandboxId)} tries again`);
      process.exitCode = 1;
    }
  }
}

function firstFailure(ended: readonly Ended[]): Ended | undefined {
  const failed = ended.filter(({ exitCode }) => exitCode !== 0);
  return failed.sort((a, b) => (a.finishedAt < b.finishedAt ? -1 : 1))[0];
}
