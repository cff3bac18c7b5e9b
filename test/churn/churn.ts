/**
 * The churn: a cribd of its own, pods that come and go, deaths at random moments, and afterwards a host on which
 * everything is counted as it was before.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contestant, cribContestant } from '../bench/contestant.js';
import { mountsBelow } from '../bench/leftovers.js';
import { memoryOf } from '../bench/processes.js';
import { command } from '../support/command.js';
import { buildImage } from '../support/images.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import { type Counts, countAll, leftOf } from '../support/leftovers.js';
import { type Registry, startRegistry } from '../support/registry.js';
import { judge, type Sample } from './flatness.js';
import { ChurnNode } from './node.js';
import type { ChurnOptions } from './options.js';
import { type PhaseResult, runPhase } from './phase.js';
import { planPod } from './plan.js';
import { PodLife } from './pod-life.js';
import { pushPullImage, runPulls } from './pulls.js';
import { Random } from './random.js';

/** What goes behind an answer's back (an interface, a process that was killed) has this long. */
const SETTLE_MS = 5_000;

/** A long run says so often where it is. */
const PROGRESS_PODS = 250;

export interface ChurnResult {
  readonly phases: readonly PhaseResult[];
  /** Lines for people. */
  readonly notes: readonly string[];
  /** What is wrong apart from the phases' own failures: leftovers, errors that were logged. */
  readonly failures: readonly string[];
}

export class Churn {
  readonly #options: ChurnOptions;
  readonly #say: (line: string) => void;
  #directory = '';
  #registry: Registry | undefined;
  #node: ChurnNode | undefined;

  constructor(options: ChurnOptions, say: (line: string) => void) {
    this.#options = options;
    this.#say = say;
  }

  /** Lets nothing more be begun; `run` rejects soon, and `cleanUp` may be called. */
  interrupt(reason: string): void {
    this.#node?.stop(new Error(reason));
  }

  async run(): Promise<ChurnResult> {
    const { node, image, registry } = await this.#setUp();
    const options = this.#options;
    const random = new Random(options.seed);
    await warmUp(node, image);
    const before = await this.#count(node, await bridgeOf(node));
    const memoryBefore = await memoryWords(node);
    const phases: PhaseResult[] = [];
    const failures: string[] = [];
    const phase = async (name: string, work: () => Promise<PhaseResult>): Promise<void> => {
      const result = await work();
      phases.push(result);
      this.#say(describe(result));
      for (const failure of result.failures) this.#say(`failed in ${name}: ${failure}`);
      const left = await this.#leftovers(node, image, before);
      failures.push(...left.map((what) => `left behind by ${name}: ${what}`));
    };
    const { pods, parallel, kills, keeperKills, bothKills, pullKills, flat } = options;
    const samples: Sample[] = [];
    const onPod = async () => {
      if (!flat) return;
      samples.push(await memoryOfBoth(node));
      if (samples.length % PROGRESS_PODS === 0) this.#say(`${samples.length} pods: ${await memoryWords(node)}`);
    };
    await phase('plain', () =>
      runPhase(node, image, random, { name: 'plain', pods, parallel, kills: 0, kill: 'cribd', onPod }),
    );
    const memory = flat ? judge(samples) : { lines: [], failures: [] };
    for (const line of memory.lines) this.#say(line);
    failures.push(...memory.failures);
    if (kills > 0) {
      await phase('cribd', () =>
        runPhase(node, image, random, { name: 'cribd', pods, parallel, kills, kill: 'cribd' }),
      );
    }
    if (pullKills > 0) {
      const pulled = await pushPullImage(registry.address);
      await phase('pull', () => runPulls(node, pulled, random, pullKills));
    }
    failures.push(...(await loggedErrors(node.daemon)));
    if (keeperKills > 0) {
      await phase('keeper', () =>
        runPhase(node, image, random, { name: 'keeper', pods, parallel, kills: keeperKills, kill: 'keeper' }),
      );
    }
    if (bothKills > 0) {
      await phase('both', () =>
        runPhase(node, image, random, { name: 'both', pods, parallel, kills: bothKills, kill: 'both' }),
      );
    }
    const notes = [`RSS before: ${memoryBefore}`, `RSS after:  ${await memoryWords(node)}`];
    return { phases, notes, failures };
  }

  /** Idempotent; however far the run came. */
  async cleanUp(keep: boolean): Promise<void> {
    const daemon = this.#node?.daemon;
    if (daemon !== undefined) {
      await daemon.kill();
      await daemon.start().catch((error: unknown) => this.#say(`churn: the last start failed: ${String(error)}`));
      await daemon.stop();
      for (const point of (await mountsBelow(this.#directory)).reverse()) {
        this.#say(`churn: unmounting what was left: ${point}`);
        await command('umount', ['--lazy', point]).catch((error: unknown) => this.#say(String(error)));
      }
    }
    await this.#registry?.stop();
    if (this.#directory === '') return;
    if (keep) this.#say(`churn: kept ${this.#directory}`);
    else await rm(this.#directory, { recursive: true, force: true });
  }

  async #setUp(): Promise<{ node: ChurnNode; image: string; registry: Registry }> {
    this.#directory = await mkdtemp(join(tmpdir(), 'crib-churn-'));
    const registry = await startRegistry();
    this.#registry = registry;
    const files = await busyboxRootfs();
    await pushImage(registry.address, 'churn/busybox', '1', await buildImage({ files, config: { Cmd: ['sh'] } }));
    const daemon = await cribContestant(join(this.#directory, 'crib'), join(this.#directory, 'certs'), 'bridge');
    const node = new ChurnNode(daemon);
    this.#node = node;
    await daemon.start();
    const image = `${registry.address}/churn/busybox:1`;
    await daemon.cri.images.pullImage({ image: { image } });
    return { node, image, registry };
  }

  async #count(node: ChurnNode, bridge: string): Promise<Counts> {
    const { dir } = node.daemon;
    const { daemon: cribd, supervisors } = await node.daemon.pids();
    const processes = { cribd, keeper: supervisors[0] ?? -1 };
    return countAll({ root: join(dir, 'root'), state: join(dir, 'state'), processes, onlyOf: { bridge } });
  }

  /** A daemon that was just started is warmed up first, as the one that `before` was counted of was. */
  async #leftovers(node: ChurnNode, image: string, before: Counts): Promise<string[]> {
    await warmUp(node, image);
    const bridge = await bridgeOf(node);
    return leftOf(before, () => this.#count(node, bridge), SETTLE_MS);
  }
}

/** One pod of each PID mode: what is made once for all pods is there after it. */
async function warmUp(node: ChurnNode, image: string): Promise<void> {
  for (const index of [0, 1]) await new PodLife(node, planPod(index, 'warm', new Random(index)), image).run();
}

async function bridgeOf(node: ChurnNode): Promise<string> {
  return /name = "([^"]+)"/.exec(await readFile(join(node.daemon.dir, 'config.toml'), 'utf8'))?.[1] ?? '';
}

async function memoryOfBoth(node: ChurnNode): Promise<Sample> {
  const { daemon, supervisors } = await node.daemon.pids();
  const [cribd, keeper] = await Promise.all([memoryOf([daemon]), memoryOf(supervisors)]);
  return { cribd, keeper };
}

async function memoryWords(node: ChurnNode): Promise<string> {
  const { cribd, keeper } = await memoryOfBoth(node);
  return `cribd ${Math.round(cribd.rss)} MB, keeper ${Math.round(keeper.rss)} MB`;
}

function describe({ name, pods, kills, seconds, restarts, failures }: PhaseResult): string {
  const slowest = restarts.length === 0 ? '' : `, slowest restart ${Math.round(Math.max(...restarts))} ms`;
  const middle = restarts.length === 0 ? '' : `, median ${Math.round(median(restarts))} ms`;
  return `${name}: ${pods} pods, ${kills} kills, ${failures.length} failures, ${seconds.toFixed(1)} s${slowest}${middle}`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** What cribd called an error (pino's level 50 and above): each is something that it could not do. */
async function loggedErrors({ dir }: Contestant): Promise<string[]> {
  const text = await readFile(join(dir, 'daemon.log'), 'utf8');
  return text
    .split('\n')
    .filter((line) => /"level":[56]0/.test(line))
    .map((line) => `cribd logged: ${line}`);
}
