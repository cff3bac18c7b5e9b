/**
 * `npm run conformance -- --kill`: critest while cribd, the keeper and both are killed and started again at once, as a
 * supervisor would. Then nothing is half there or left, and what was cut passes without kills.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Contestant } from '../../bench/contestant.js';
import { processTable } from '../../bench/processes.js';
import { audit } from '../../churn/audit.js';
import { ChurnNode } from '../../churn/node.js';
import { Random } from '../../churn/random.js';
import type { Options } from '../options.js';
import { readReport, type Spec } from '../report.js';
import { type CritestInput, type CritestRun, runCritest } from '../run-critest.js';
import { cribSocket, launchCrib, type RuntimeSetup, removeParentCgroup } from '../runtimes.js';
import { Killer } from './killer.js';
import { focusOf, isCut, verdicts } from './verdicts.js';
import { WaitingRoom } from './waiting-room.js';

/** One run of `npm run conformance`. */
export interface Run {
  readonly options: Options;
  readonly tools: string;
  /** Directory of the run's logs and reports. */
  readonly output: string;
  /** Names of specs that fail in any case. */
  readonly expected: ReadonlySet<string>;
  /** Has `step` done when the run is over, however it ends; the last one first. */
  undo(step: () => Promise<void>): void;
}

export interface Outcome {
  readonly specs: readonly Spec[];
  /** What is wrong beside the specs, in words. */
  readonly failures: readonly string[];
}

export async function runUnderKills(run: Run, setup: RuntimeSetup, bridge: string): Promise<Outcome> {
  const { options } = run;
  const daemon = killable(setup, bridge);
  run.undo(async () => {
    await daemon.stop();
    await removeParentCgroup('crib');
  });
  await daemon.start();
  const room = await WaitingRoom.open(frontOf(setup), cribSocket(setup));
  run.undo(() => room.close());
  console.log(`conformance: ${options.kills} kills, seed ${options.seed}`);
  const killer = new Killer(new ChurnNode(daemon), new Random(options.seed), options.kills);
  const disturbed: Spec[] = [];
  for (let round = 1; killer.left > 0; round += 1) disturbed.push(...(await oneRound(run, setup, round, killer)));
  console.log(`conformance: ${killer.told}`);
  const failures = await leftOf(daemon, 'after the kills');
  const failed = disturbed.filter(({ name, state }) => state === 'failed' && !run.expected.has(name));
  const cut = failed.filter((spec) => isCut(spec, killer.kills));
  const passed = disturbed.filter(({ state }) => state === 'passed');
  console.log(
    `under kills: ${passed.length} passed, ${cut.length} cut, ${failed.length - cut.length} failed otherwise`,
  );
  const alone = await runAlone(run, setup, new Set(failed.map(({ name }) => name)));
  failures.push(...(await leftOf(daemon, 'after the specs that were run alone')));
  return { specs: verdicts(disturbed, alone, killer.kills), failures };
}

/** Where critest finds crib. */
function frontOf({ dir }: RuntimeSetup): string {
  return join(dir, 'front.sock');
}

function killable(setup: RuntimeSetup, bridge: string): Contestant {
  const { dir, logFile } = setup;
  const endpoint = `unix://${cribSocket(setup)}`;
  const launch = () => launchCrib(setup);
  return new Contestant({ side: 'crib', dir, endpoint, bridge, marks: [], launch, logFile });
}

async function oneRound(run: Run, setup: RuntimeSetup, round: number, killer: Killer): Promise<Spec[]> {
  const seed = run.options.seed + round;
  const critest = await begin(run, setup, `round-${round}`, { options: run.options, seed });
  const over = new AbortController();
  const killing = killer.run(over.signal);
  run.undo(async () => {
    over.abort();
    await killing.catch(() => undefined); // told below
  });
  await Promise.all([critest.done.finally(() => over.abort()), killing]);
  return readReport(critest.reportFile);
}

/** What failed, once more, without kills. */
async function runAlone(run: Run, setup: RuntimeSetup, names: ReadonlySet<string>): Promise<Spec[]> {
  if (names.size === 0) return [];
  const options = { ...run.options, focus: [...names].map(focusOf), skip: [] };
  const critest = await begin(run, setup, 'alone', { options });
  await critest.done;
  const specs = await readReport(critest.reportFile);
  const passed = specs.filter(({ state }) => state === 'passed');
  console.log(`alone, without kills: ${passed.length} of ${names.size} pass`);
  return specs;
}

async function begin(
  run: Run,
  setup: RuntimeSetup,
  name: string,
  input: Pick<CritestInput, 'options' | 'seed'>,
): Promise<CritestRun> {
  const output = join(run.output, name);
  await mkdir(output);
  const endpoint = `unix://${frontOf(setup)}`;
  const critest = await runCritest({ ...input, tools: run.tools, endpoint, output });
  run.undo(critest.stop);
  return critest;
}

/** The pods of specs that were cut go; then everything is fully there or fully gone. */
async function leftOf(daemon: Contestant, when: string): Promise<string[]> {
  const failures: string[] = [];
  await daemon.removePods().catch((error: unknown) => failures.push(`removing the pods: ${String(error)}`));
  const { items } = await daemon.cri.runtime.listPodSandbox({});
  failures.push(...items.map(({ id }) => `pod ${id} is still there`));
  failures.push(...(await audit(daemon)));
  const { daemon: cribd, supervisors } = await daemon.pids();
  const known = [cribd, process.pid, ...supervisors];
  for (const { pid, line } of await processTable()) {
    if (line.includes(`${daemon.dir}/`) && !known.includes(pid)) failures.push(`process ${pid} is left: ${line}`);
  }
  if (supervisors.length !== 1) failures.push(`${supervisors.length} keepers run`);
  return failures.map((failure) => `${when}: ${failure}`);
}
