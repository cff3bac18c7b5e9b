/** Pods that come and go for as long as something is to be killed, and what that showed. */

import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from './audit.js';
import type { ChurnNode, Victim } from './node.js';
import { planPod } from './plan.js';
import { PodLife } from './pod-life.js';
import type { Random } from './random.js';

/** From a restart to the next kill, milliseconds: some hit the restart's own aftermath, some a pod's middle. */
const SHORT_PAUSE_MS = [1, 500] as const;
/** Now and then there is time for what takes longer: a StopContainer with a grace period begins it anew after each kill. */
const LONG_PAUSE_MS = [500, 2_500] as const;
const LONG_ONE_IN = 6;

export interface PhaseOptions {
  readonly name: string;
  readonly pods: number;
  readonly parallel: number;
  /** Each is one death, at a random moment; resolves to the milliseconds that the recovery took. */
  readonly kills: number;
  readonly kill: Victim;
  /** Called when a pod has come and gone. */
  readonly onPod?: () => Promise<void>;
}

export interface PhaseResult {
  readonly name: string;
  readonly pods: number;
  readonly kills: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly restarts: readonly number[];
  readonly failures: readonly string[];
}

/** Stops starting pods once something has failed this often: the rest would say the same. */
const MAX_FAILURES = 20;

export async function runPhase(
  node: ChurnNode,
  image: string,
  random: Random,
  options: PhaseOptions,
): Promise<PhaseResult> {
  const began = performance.now();
  const failures: string[] = [];
  const restarts: number[] = [];
  let pods = 0;
  let killing = options.kills > 0;
  const hopeless = () => failures.length >= MAX_FAILURES;
  const worker = async (): Promise<void> => {
    while ((pods < options.pods || killing) && !hopeless()) {
      node.throwIfStopped();
      const plan = planPod(pods++, options.name, random);
      await new PodLife(node, plan, image).run().catch((error: unknown) => {
        node.throwIfStopped();
        failures.push(`pod ${plan.name} ${JSON.stringify(plan)}: ${wordsOf(error)}`);
      });
      await options.onPod?.();
    }
  };
  const auditOnce = async (): Promise<void> => {
    const halves = await audit(node.daemon);
    if (halves.length > 0) failures.push(`after kill ${node.deaths} of ${options.kill}:\n  ${halves.join('\n  ')}`);
  };
  const killer = async (): Promise<void> => {
    try {
      while (restarts.length < options.kills && !hopeless()) {
        const [least, most] = random.between(1, LONG_ONE_IN) === 1 ? LONG_PAUSE_MS : SHORT_PAUSE_MS;
        await sleep(random.between(least, most));
        node.throwIfStopped();
        restarts.push(await node.kill(options.kill, auditOnce));
      }
    } finally {
      killing = false;
    }
  };
  await Promise.all([killer(), ...Array.from({ length: options.parallel }, worker)]);
  const seconds = (performance.now() - began) / 1000;
  return { name: options.name, pods, kills: restarts.length, seconds, restarts, failures };
}

/** The message, and the line of the pod's life that threw. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = error.stack?.split('\n').find((text) => text.includes('pod-life.js')) ?? '';
  return `${error.message}\n${line}`;
}
