/** One pod from RunPodSandbox to RemovePodSandbox, with everything checked that a client can see of it. */

import assert from 'node:assert/strict';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerConfig, ContainerState, type ContainerStatus } from '../../cri/api/generated/container.js';
import { type PodSandboxConfig, PodSandboxState } from '../../cri/api/generated/pod.js';
import type { DeepPartial } from '../../cri/api/wire.js';
import { CribError } from '../../runtime/errors.js';
import { linesOf } from '../runtime/keeper/harness.js';
import type { ChurnNode } from './node.js';
import {
  CONTAINERS,
  type ContainerName,
  containerRequest,
  expectedEnd,
  expectedLines,
  type PodPlan,
  podRequest,
} from './plan.js';

const WAIT_MS = 60_000;
const POLL_MS = 40;
const GRACE_SECONDS = 20n;
const DEAF_GRACE_SECONDS = 1n;
/** What the runtime says of a container whose starting failed, and of one whose end nobody saw. */
const CANNOT_RUN = 'ContainerCannotRun';
const UNKNOWN = 'Unknown';
const GAP = /^\[crib: keeper restarted/;

interface Started {
  readonly id: string;
  readonly logFile: string;
}

export class PodLife {
  readonly #node: ChurnNode;
  readonly #plan: PodPlan;
  readonly #image: string;
  readonly #directory: string;
  readonly #keeperDeaths: number;
  readonly #bothDeaths: number;
  #pod = '';

  constructor(node: ChurnNode, plan: PodPlan, image: string) {
    this.#node = node;
    this.#plan = plan;
    this.#image = image;
    this.#directory = join(node.daemon.dir, 'client', plan.name);
    this.#keeperDeaths = node.keeperDeaths;
    this.#bothDeaths = node.bothDeaths;
  }

  /** Throws what is wrong with the pod. */
  async run(): Promise<void> {
    await mkdir(join(this.#directory, 'volume'), { recursive: true });
    const config = podRequest(this.#plan, this.#directory);
    this.#pod = await this.#node.call(async (cri) => (await cri.runtime.runPodSandbox({ config })).podSandboxId);
    const service = await this.#start('service', config);
    const worker = await this.#start('worker', config);
    await this.#checkEnd('worker', await this.#ended(worker.id));
    await this.#checkLog('worker', worker);
    if (!this.#isShaken) await this.#checkRunning(service.id);
    await this.#endService(service);
    await this.#remove();
    await rm(this.#directory, { recursive: true });
  }

  /** The keeper has died under this pod: what only it knew may be unknown. */
  get #isShaken(): boolean {
    return this.#node.keeperDeaths !== this.#keeperDeaths;
  }

  /** As a kubelet does: the next attempt when the one before cannot run, which only a dead keeper may cause. */
  async #start(name: ContainerName, sandboxConfig: DeepPartial<PodSandboxConfig>): Promise<Started> {
    for (let attempt = 0; ; attempt++) {
      const at = { image: this.#image, volume: join(this.#directory, 'volume'), marker: `${this.#node.daemon.dir}/x` };
      const config = containerRequest(this.#plan, name, attempt, at);
      const id = await this.#create(config, sandboxConfig);
      if (await this.#startOne(id)) return { id, logFile: join(this.#directory, config.logPath ?? '') };
      assert.ok(this.#isShaken && attempt < 10, `${name} could not be started`);
    }
  }

  async #create(config: DeepPartial<ContainerConfig>, sandboxConfig: DeepPartial<PodSandboxConfig>): Promise<string> {
    const request = { podSandboxId: this.#pod, config, sandboxConfig };
    return this.#node.call(async (cri) => (await cri.runtime.createContainer(request)).containerId);
  }

  /** A start that something died under is looked up before it is tried again. False: it cannot run any more. */
  async #startOne(containerId: string): Promise<boolean> {
    return this.#node.call(async (cri) => {
      const { status } = await cri.runtime.containerStatus({ containerId });
      if (status?.reason === CANNOT_RUN) return false;
      if (status?.state === ContainerState.CONTAINER_CREATED) await cri.runtime.startContainer({ containerId });
      return true;
    });
  }

  async #status(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.#node.call((cri) => cri.runtime.containerStatus({ containerId }));
    assert.ok(status !== undefined, 'ContainerStatus has a status');
    return status;
  }

  async #ended(id: string): Promise<ContainerStatus> {
    for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await sleep(POLL_MS)) {
      const status = await this.#status(id);
      if (status.state === ContainerState.CONTAINER_EXITED) return status;
      assert.equal(status.state, ContainerState.CONTAINER_RUNNING, `state of ${status.metadata?.name}`);
    }
    return assert.fail(`container ${id} has not ended within ${WAIT_MS} ms`);
  }

  async #checkEnd(name: ContainerName, status: ContainerStatus): Promise<void> {
    const { exitCode, reason } = status;
    const wanted = expectedEnd(this.#plan, name);
    const said = `${name}, pod ${this.#pod}, container ${status.id}: ${status.message}`;
    if (this.#isShaken && reason === UNKNOWN) assert.equal(exitCode, 255, said);
    // Nobody was left who held its terminal: the kernel hangs it up.
    else if (!(this.#node.bothDeaths !== this.#bothDeaths && this.#plan.tty && exitCode === 129))
      assert.deepEqual({ exitCode, reason }, wanted, said);
    assert.ok(status.createdAt > 0n && status.startedAt >= status.createdAt, `started after it was created: ${said}`);
    assert.ok(
      status.finishedAt >= status.startedAt,
      `ended (${status.finishedAt}) after it started (${status.startedAt}): ${said}`,
    );
  }

  /** Every line once and in order. After the keeper's death lines may be missing, but none twice. */
  async #checkLog(name: ContainerName, { logFile }: Started): Promise<void> {
    const lines = linesOf(await readFile(logFile, 'latin1'));
    const wanted = expectedLines(this.#plan, name);
    for (const stream of ['stdout', 'stderr'] as const) {
      const written = lines
        .filter(([of, , text]) => of === stream && !GAP.test(text))
        .map(([, tag, text]) => (tag === 'F' ? text.replace(/\r$/, '') : `partial: ${text}`));
      if (this.#isShaken) assertSubsequence(written, wanted[stream], `${stream} of ${name}`);
      else assert.deepEqual(written, wanted[stream], `${stream} of ${name}, pod ${this.#pod}`);
    }
  }

  async #checkRunning(containerId: string): Promise<void> {
    const { name, hostPort } = this.#plan;
    await this.#untilUp();
    // One that dies with the daemon is made again, so it must be repeatable.
    const script = 'cat /shared/from-worker; hostname; echo oops >&2; exit 4';
    const exec = { containerId, cmd: ['sh', '-c', script], timeout: 20n };
    const answer = await this.#node.call((cri) => cri.runtime.execSync(exec));
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    assert.deepEqual([answer.exitCode, text(answer.stderr)], [4, 'oops\n']);
    assert.equal(text(answer.stdout), `${name}\n${name}\n`, 'the shared volume and the hostname');
    const { stats } = await this.#node.call((cri) => cri.runtime.containerStats({ containerId }));
    assert.ok((stats?.memory?.workingSetBytes?.value ?? 0n) > 0n, 'the container has memory in use');
    assert.ok((stats?.cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n, 'the container has used the CPU');
    const pod = await this.#node.call((cri) => cri.runtime.podSandboxStats({ podSandboxId: this.#pod }));
    assert.equal(pod.stats?.linux?.network?.defaultInterface?.name, 'eth0', 'the pod has network statistics');
    if (hostPort === undefined) return;
    const response = await fetch(`http://127.0.0.1:${hostPort}/from-worker`, { signal: AbortSignal.timeout(10_000) });
    assert.equal(await response.text(), `${name}\n`, 'through the host port');
  }

  async #untilUp(): Promise<void> {
    const file = join(this.#directory, 'volume', 'service-up');
    for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await sleep(POLL_MS)) {
      if ((await readFile(file, 'utf8').catch(() => '')) === 'up\n') return;
      this.#node.throwIfStopped();
    }
    assert.fail('the service did not come up');
  }

  async #endService(service: Started): Promise<void> {
    const { endedBy, deaf } = this.#plan;
    if (endedBy === 'RemovePodSandbox') return;
    if (endedBy === 'StopContainer') {
      const stop = { containerId: service.id, timeout: deaf ? DEAF_GRACE_SECONDS : GRACE_SECONDS };
      await this.#node.call((cri) => cri.runtime.stopContainer(stop));
    }
    if (endedBy === 'StopPodSandbox') {
      await this.#node.call((cri) => cri.runtime.stopPodSandbox({ podSandboxId: this.#pod }));
    }
    const status = await this.#status(service.id);
    assert.equal(status.state, ContainerState.CONTAINER_EXITED, `state of the service after ${endedBy}`);
    await this.#checkEnd('service', status);
    await this.#checkLog('service', service);
  }

  async #remove(): Promise<void> {
    const podSandboxId = this.#pod;
    if (this.#plan.endedBy !== 'RemovePodSandbox') {
      await this.#node.call((cri) => cri.runtime.stopPodSandbox({ podSandboxId }));
      const { status } = await this.#node.call((cri) => cri.runtime.podSandboxStatus({ podSandboxId }));
      assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY, 'state of the pod after StopPodSandbox');
      const { containers } = await this.#node.call((cri) => cri.runtime.listContainers({ filter: { podSandboxId } }));
      assert.ok(containers.length >= CONTAINERS.length, 'both containers are listed');
      assert.ok(
        containers.every(({ state }) => state === ContainerState.CONTAINER_EXITED),
        'both have exited',
      );
    }
    await this.#node.call((cri) => cri.runtime.removePodSandbox({ podSandboxId }));
    const gone = this.#node.call((cri) => cri.runtime.podSandboxStatus({ podSandboxId }));
    await assert.rejects(gone, (error) => error instanceof CribError && error.code === 'NOT_FOUND');
    const { containers } = await this.#node.call((cri) => cri.runtime.listContainers({ filter: { podSandboxId } }));
    assert.deepEqual(containers, [], 'no container is left of the pod');
  }
}

function assertSubsequence(written: readonly string[], wanted: readonly string[], what: string): void {
  let at = 0;
  for (const line of written) {
    const found = wanted.indexOf(line, at);
    if (found < 0 && line.startsWith('partial: ')) continue;
    assert.ok(found >= 0, `${what}: ${JSON.stringify(line)} is doubled, out of order or unknown`);
    at = found + 1;
  }
}
