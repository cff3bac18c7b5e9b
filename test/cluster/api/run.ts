/** One run on a cluster of one node: what static pods cannot have. */

import { hostState } from '../../conformance/leftovers.js';
import { type Check, type Outcome, runChecks } from '../check.js';
import type { NodeOptions } from '../node.js';
import { chosen, nothingIsLeft } from '../run.js';
import { CLAIMS } from './checks/claims.js';
import { CLASSES } from './checks/classes.js';
import { NODE } from './checks/node.js';
import { OBJECTS } from './checks/objects.js';
import { PULLS } from './checks/pulls.js';
import { RESIZE } from './checks/resize.js';
import { RESTARTS } from './checks/restarts.js';
import { SESSIONS } from './checks/sessions.js';
import { STORAGE } from './checks/storage.js';
import { ApiCluster } from './cluster.js';

const TOGETHER: readonly Check<ApiCluster>[] = [
  ...[...CLASSES, ...OBJECTS, ...CLAIMS, ...STORAGE, ...SESSIONS, ...RESIZE, ...PULLS],
];

/** `tools` holds kube-apiserver and kubectl; the rest is as of `runOnNode`. */
export async function runOnCluster(
  options: NodeOptions,
  tools: string,
  only: readonly string[],
  tell: (outcome: Outcome) => void,
): Promise<void> {
  const cluster = await ApiCluster.prepare(options, tools);
  const before = await hostState();
  try {
    await cluster.node.configureNetwork();
    await cluster.node.startCrib();
    await cluster.node.startKubelet();
    await runChecks(cluster, chosen(NODE, only), tell, 1);
    await runChecks(cluster, chosen(TOGETHER, only), tell);
    await runChecks(cluster, chosen(RESTARTS, only), tell, 1);
    await cluster.removeAll();
  } finally {
    await cluster.stop();
  }
  if (only.length === 0) tell(await nothingIsLeft(options, before));
}
