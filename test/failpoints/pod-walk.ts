/** A pod from RunPodSandbox to RemovePodSandbox, which goes through every step of pods and containers. */

import assert from 'node:assert/strict';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NamespaceMode } from '../../cri/api/generated/common.js';
import { ContainerState, type ContainerStatus } from '../../cri/api/generated/container.js';
import { PodSandboxState, Protocol } from '../../cri/api/generated/pod.js';
import { CribError } from '../../runtime/errors.js';
import { linesOf } from '../runtime/keeper/harness.js';
import type { WalkClient } from './client.js';
import { SandboxVolumes, SCRATCH, SETTINGS } from './sandbox-volumes.js';
import type { Stage } from './stage.js';

const LINES = 40;
const OBEDIENT_EXIT = 3;
const HOST_PORT = 21_432;
const WAIT_MS = 30_000;
const MAX_ATTEMPTS = 5;

/** Ends by itself when it is asked to, having said so. */
const OBEDIENT = `trap 'trap "" TERM; echo bye; exit ${OBEDIENT_EXIT}' TERM
i=1; while [ $i -le ${LINES} ]; do echo "line $i"; i=$((i + 1)); done
echo up >/shared/up-$ATTEMPT
while :; do sleep 1 & wait $!; done`;
/** Has to be killed. */
const DEAF = `trap "" TERM; while :; do sleep 1; done`;

const NAMESPACES = { network: NamespaceMode.POD, ipc: NamespaceMode.POD, pid: NamespaceMode.POD };

interface Started {
  readonly id: string;
  readonly attempt: number;
}

export class PodWalk {
  readonly #stage: Stage;
  readonly #client: WalkClient;
  readonly #name: string;
  readonly #directory: string;
  /** undefined: the pod is on the host's kernel. */
  readonly #volumes: SandboxVolumes | undefined;
  #pod = '';

  constructor(stage: Stage, client: WalkClient, name: string) {
    this.#stage = stage;
    this.#client = client;
    this.#name = name;
    this.#directory = join(stage.directory, 'client', name);
    this.#volumes = stage.handler === '' ? undefined : new SandboxVolumes(stage, `uid-${name}`);
  }

  /** Throws what is wrong with the pod. */
  async run(): Promise<void> {
    await mkdir(join(this.#directory, 'volume'), { recursive: true });
    await this.#volumes?.make();
    await this.#runPod();
    const obedient = await this.#start('obedient', OBEDIENT);
    await this.#untilUp(obedient);
    const deaf = await this.#start('deaf', DEAF);
    if (this.#volumes !== undefined) await this.#checkVolumes(this.#volumes, obedient, deaf);
    await this.#stop(obedient);
    await this.#remove(obedient);
    await this.#stopPod(deaf);
    await this.#volumes?.checkFiles(false);
    await this.#removePod();
    await this.#volumes?.remove();
    await rm(this.#directory, { recursive: true });
  }

  get #config() {
    const name = this.#name;
    const mapping = { protocol: Protocol.TCP, containerPort: 80, hostPort: HOST_PORT, hostIp: '127.0.0.1' };
    return {
      metadata: { name, uid: `uid-${name}`, namespace: 'walk', attempt: 0 },
      hostname: 'walk',
      logDirectory: this.#directory,
      portMappings: [mapping],
      linux: { securityContext: { namespaceOptions: NAMESPACES } },
    };
  }

  async #runPod(): Promise<void> {
    const config = this.#config;
    const { podSandboxId } = await this.#client.call('RunPodSandbox', (cri, options) =>
      cri.runtime.runPodSandbox({ config, runtimeHandler: this.#stage.handler }, options),
    );
    this.#pod = podSandboxId;
    const { status } = await this.#client.call('PodSandboxStatus', (cri, options) =>
      cri.runtime.podSandboxStatus({ podSandboxId }, options),
    );
    assert.equal(status?.state, PodSandboxState.SANDBOX_READY, 'the pod is ready');
    assert.notEqual(status?.network?.ip ?? '', '', 'the pod has an address');
    const { items } = await this.#client.call('ListPodSandbox', (cri, options) =>
      cri.runtime.listPodSandbox({}, options),
    );
    assert.deepEqual(
      items.map(({ id }) => id),
      [podSandboxId],
      'it is the only one',
    );
  }

  /** The next attempt, as a kubelet makes it, where one could not be started. */
  async #start(name: string, script: string): Promise<Started> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const id = await this.#create(name, attempt, script);
      const state = await this.#startOne(id);
      if (state === ContainerState.CONTAINER_RUNNING) return { id, attempt };
    }
    return assert.fail(`${name} could not be started`);
  }

  async #create(name: string, attempt: number, script: string): Promise<string> {
    const config = {
      metadata: { name, attempt },
      image: { image: this.#stage.image },
      command: ['sh', '-c', script],
      envs: [{ key: 'ATTEMPT', value: String(attempt) }],
      mounts: [
        { containerPath: '/shared', hostPath: join(this.#directory, 'volume') },
        { containerPath: '/image', image: { image: this.#stage.image }, readonly: true },
        ...(this.#volumes?.mounts ?? []),
      ],
      logPath: `${name}.${attempt}.log`,
      linux: { securityContext: { namespaceOptions: NAMESPACES } },
    };
    const request = { podSandboxId: this.#pod, config, sandboxConfig: this.#config };
    const { containerId } = await this.#client.call('CreateContainer', (cri, options) =>
      cri.runtime.createContainer(request, options),
    );
    return containerId;
  }

  /** A start that was disturbed is looked up before it is tried again. */
  async #startOne(containerId: string): Promise<ContainerState> {
    return this.#client.call('StartContainer', async (cri, options) => {
      const { status } = await cri.runtime.containerStatus({ containerId }, options);
      if (status?.state !== ContainerState.CONTAINER_CREATED) return status?.state ?? ContainerState.CONTAINER_UNKNOWN;
      await cri.runtime.startContainer({ containerId }, options);
      return ContainerState.CONTAINER_RUNNING;
    });
  }

  async #untilUp({ id, attempt }: Started): Promise<void> {
    const file = join(this.#directory, 'volume', `up-${attempt}`);
    for (const deadline = performance.now() + WAIT_MS; ; await sleep(10)) {
      if ((await readFile(file, 'utf8').catch(() => '')) === 'up\n') break;
      assert.ok(performance.now() < deadline, 'the container came up');
    }
    assert.match(await this.#exec(id, `cat /shared/up-${attempt} /image/etc/passwd`), /^up\nroot:/);
  }

  /** What `script` prints; it must succeed. */
  async #exec(containerId: string, script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#client.call('ExecSync', (cri, options) =>
      cri.runtime.execSync({ containerId, cmd: ['sh', '-c', script], timeout: 20n }, options),
    );
    assert.equal(exitCode, 0, Buffer.from(stderr).toString());
    return Buffer.from(stdout).toString();
  }

  /** Both containers have the one emptyDir and the one configMap, whose changes arrive. */
  async #checkVolumes(volumes: SandboxVolumes, one: Started, other: Started): Promise<void> {
    assert.equal(await this.#exec(one.id, `echo kept >${SCRATCH}/file; cat ${SETTINGS}/key`), 'one');
    assert.equal(await this.#exec(other.id, `cat ${SCRATCH}/file ${SETTINGS}/key`), 'kept\none');
    await volumes.checkFiles(true);
    await volumes.set('two');
    for (const deadline = performance.now() + WAIT_MS; ; await sleep(10)) {
      if ((await this.#exec(other.id, `cat ${SETTINGS}/key`)) === 'two') break;
      assert.ok(performance.now() < deadline, 'the change of the configMap arrived');
    }
  }

  async #status(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.#client.call('ContainerStatus', (cri, options) =>
      cri.runtime.containerStatus({ containerId }, options),
    );
    assert.ok(status !== undefined, 'ContainerStatus has a status');
    return status;
  }

  async #stop({ id, attempt }: Started): Promise<void> {
    await this.#client.call('StopContainer', (cri, options) =>
      cri.runtime.stopContainer({ containerId: id, timeout: 20n }, options),
    );
    await this.#checkEnd(await this.#status(id), OBEDIENT_EXIT);
    const log = linesOf(await readFile(join(this.#directory, `obedient.${attempt}.log`), 'latin1'));
    const written = log.map(([, , text]) => text).filter((text) => !text.startsWith('[crib: '));
    const wanted = [...Array.from({ length: LINES }, (_, index) => `line ${index + 1}`), 'bye'];
    if (this.#client.keeperDies && written.at(-1) !== 'bye') wanted.pop();
    assert.deepEqual(written, wanted, 'every line is in the log, once');
  }

  async #checkEnd({ state, exitCode, reason }: ContainerStatus, wanted: number): Promise<void> {
    assert.equal(state, ContainerState.CONTAINER_EXITED, 'it has exited');
    if (this.#client.keeperDies && reason === 'Unknown') return;
    assert.deepEqual({ exitCode, reason }, { exitCode: wanted, reason: 'Error' });
  }

  async #remove({ id }: Started): Promise<void> {
    await this.#client.call('RemoveContainer', (cri, options) =>
      cri.runtime.removeContainer({ containerId: id }, options),
    );
    await this.#isGone('ContainerStatus', (cri, options) => cri.runtime.containerStatus({ containerId: id }, options));
  }

  async #stopPod(deaf: Started): Promise<void> {
    const podSandboxId = this.#pod;
    await this.#client.call('StopPodSandbox', (cri, options) => cri.runtime.stopPodSandbox({ podSandboxId }, options));
    await this.#checkEnd(await this.#status(deaf.id), 137);
    const { status } = await this.#client.call('PodSandboxStatus', (cri, options) =>
      cri.runtime.podSandboxStatus({ podSandboxId }, options),
    );
    assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY, 'the pod is stopped');
  }

  async #removePod(): Promise<void> {
    const podSandboxId = this.#pod;
    await this.#client.call('RemovePodSandbox', (cri, options) =>
      cri.runtime.removePodSandbox({ podSandboxId }, options),
    );
    await this.#isGone('PodSandboxStatus', (cri, options) => cri.runtime.podSandboxStatus({ podSandboxId }, options));
    const { containers } = await this.#client.call('ListContainers', (cri, options) =>
      cri.runtime.listContainers({}, options),
    );
    assert.deepEqual(containers, [], 'no container is left');
  }

  async #isGone(what: string, ask: Parameters<WalkClient['call']>[1]): Promise<void> {
    const gone = await this.#client.call(what, async (cri, options) => {
      try {
        await ask(cri, options);
        return false;
      } catch (error) {
        if (error instanceof CribError && error.code === 'NOT_FOUND') return true;
        throw error;
      }
    });
    assert.ok(gone, `${what} says that it is gone`);
  }
}
