/** One run on a node of its own: from a node without a network to a node that everything has left. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostState, leftovers } from '../conformance/leftovers.js';
import { type Check, type Outcome, runChecks } from './check.js';
import { DEMO } from './checks/demo.js';
import { LIFECYCLE } from './checks/lifecycle.js';
import { NETWORK } from './checks/network.js';
import { PROBES } from './checks/probes.js';
import { RESOURCES } from './checks/resources.js';
import { REMOVAL, RESTARTS, startSteadyPods } from './checks/restarts.js';
import { SECURITY } from './checks/security.js';
import { LOGS, SESSIONS } from './checks/sessions.js';
import { CRI_STATS, DEFAULT_STATS } from './checks/stats.js';
import { VOLUMES } from './checks/volumes.js';
import { ClusterNode, type NodeOptions } from './node.js';

/** Most of each is waiting, so they run at the same time. */
const TOGETHER: readonly Check[] = [
  ...[...LOGS, ...LIFECYCLE, ...PROBES, ...SESSIONS, ...VOLUMES, ...SECURITY, ...RESOURCES, ...DEMO],
];

/** Those whose names have one of `only`; all, if there is none. */
export function chosen<Subject>(checks: readonly Check<Subject>[], only: readonly string[]): Check<Subject>[] {
  return checks.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
}

/** Runs the checks whose names have one of `only` (all, if there is none), and looks at what is left after them. */
export async function runOnNode(
  options: NodeOptions,
  only: readonly string[],
  tell: (outcome: Outcome) => void,
): Promise<void> {
  const oneByOne = (checks: readonly Check[]) => runChecks(node, chosen(checks, only), tell, 1);
  const node = await ClusterNode.prepare(options);
  const before = await hostState();
  try {
    await node.startCrib();
    await node.startKubelet();
    if (chosen(NETWORK, only).length > 0) await oneByOne(NETWORK);
    await node.configureNetwork();
    await runChecks(node, chosen(TOGETHER, only), tell);
    await node.removeAll();
    if (chosen([...DEFAULT_STATS, ...RESTARTS, ...CRI_STATS, ...REMOVAL], only).length > 0) {
      await startSteadyPods(node);
      await oneByOne([...DEFAULT_STATS, ...RESTARTS]);
      if (chosen(CRI_STATS, only).length > 0) {
        await node.stopKubelet();
        await node.startKubelet({ criStats: true });
        await oneByOne(CRI_STATS);
      }
      await oneByOne(REMOVAL);
    }
  } finally {
    await node.stop();
  }
  if (only.length === 0) tell(await nothingIsLeft(options, before));
}

/** Of crib: the cgroups of the QoS classes are the kubelet's own, which it keeps. */
export async function nothingIsLeft(
  { dir }: NodeOptions,
  before: Awaited<ReturnType<typeof hostState>>,
): Promise<Outcome> {
  const began = performance.now();
  const after = await hostState();
  const left = leftovers(before, after).filter(
    (what) => !/^cgroup \S*\/kubepods(\.slice)?(\/(kubepods-)?(burstable|besteffort)(\.slice)?)?$/.test(what),
  );
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  for (const line of mounts.split('\n')) if (line.includes(join(dir, ''))) left.push(`mount ${line.split(' ')[4]}`);
  const seconds = (performance.now() - began) / 1000;
  const name = 'nothing is left on the node';
  return { name, seconds, detail: left.join(', '), state: left.length === 0 ? 'passed' : 'failed' };
}
