/** Walks through cases on one stage: each disturbed once, by a client that calls again, and accounted for. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Activity, Case } from './case.js';
import { listOf } from './case.js';
import { WalkClient } from './client.js';
import { PodWalk } from './pod-walk.js';
import { walkPull } from './pull-walk.js';
import { Stage } from './stage.js';

/** Nothing of the node is disturbed by it: what is made once, for all pods and images, is there after it. */
const NOTHING: Case = { name: 'run-pod/record', position: 'before', action: 'error', hit: 1_000_000, cause: undefined };

/** What hung looks every 20 ms whether it may go on. */
const LET_GO_MS = 300;

export interface CaseResult {
  readonly list: string;
  readonly seconds: number;
  /** In words; empty when all is well. */
  readonly failures: readonly string[];
}

/** Opens a stage, walks, and closes it. `told` hears of each case when it is done. */
export async function walk(
  activity: Activity,
  cases: readonly Case[],
  ociRuntime: string,
  told: (result: CaseResult) => void,
): Promise<CaseResult[]> {
  const handler = activity === 'gvisor' ? activity : '';
  const stage = await Stage.open({ network: activity === 'cni' ? 'cni' : 'bridge', ociRuntime, handler });
  try {
    await doOnce(stage, activity, await WalkClient.arm(stage, NOTHING), 'warm');
    if (activity === 'pull') await removeSpared(stage);
    const before = await stage.count();
    const results: CaseResult[] = [];
    for (const [index, disturbed] of cases.entries()) {
      const began = performance.now();
      const failures = await walkOne(stage, activity, disturbed, `pod-${index}`, before);
      const result = { list: listOf(disturbed), seconds: (performance.now() - began) / 1000, failures };
      results.push(result);
      told(result);
      if (failures.length > 0) await cleanUp(stage);
    }
    return results;
  } finally {
    await stage.close();
  }
}

async function walkOne(
  stage: Stage,
  activity: Activity,
  disturbed: Case,
  name: string,
  before: Awaited<ReturnType<Stage['count']>>,
): Promise<string[]> {
  const client = await WalkClient.arm(stage, disturbed);
  const failures: string[] = [];
  try {
    await doOnce(stage, activity, client, name);
  } catch (error) {
    failures.push(wordsOf(error));
  }
  if (!(await client.end())) failures.push('the step was not reached');
  failures.push(...client.failures);
  if (activity === 'pull') await removeSpared(stage);
  // What could not be undone is the next start's to take.
  if (disturbed.cause !== undefined && disturbed.action === 'error') failures.push(...(await stage.restart()));
  if (failures.length === 0) failures.push(...(await stage.leftSince(before)));
  return failures;
}

async function doOnce(stage: Stage, activity: Activity, client: WalkClient, name: string): Promise<void> {
  if (activity === 'pull') await walkPull(stage, client);
  else await new PodWalk(stage, client, name).run();
}

/** What a pull that was given up still held was spared by the removal: the next one sweeps it. On a busy machine that is any. */
async function removeSpared(stage: Stage): Promise<void> {
  await sleep(LET_GO_MS);
  await stage.daemon.cri.images.removeImage({ image: { image: stage.pulled } });
}

/** After a failure, so that the next case begins with an empty node. */
async function cleanUp(stage: Stage): Promise<void> {
  await stage.restart();
  await stage.daemon.removePods();
  await stage.daemon.cri.images.removeImage({ image: { image: stage.pulled } });
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = error.stack?.split('\n').find((text) => /(pod|pull)-walk\.js/.test(text)) ?? '';
  return `${error.message}\n${line}`;
}
