/** `npm run failpoints`: every step of the node with an error, a hang and a kill -9, before and after it. */

import { parseArgs } from 'node:util';
import { runscMissing } from '../support/runsc.js';
import { ACTIVITIES, type Activity, type Case, casesOf, listOf } from './case.js';
import { type CaseResult, walk } from './walk.js';

const USAGE = `usage: npm run failpoints -- [options]
  --only PATTERN      those whose list (as run-pod/network:after=kill@1) matches
  --network NAME      bridge or cni for pods, gvisor for pods in sandboxes, pull for images (default: all four)
  --oci-runtime NAME  runc or crun (default runc)`;

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { only: text, network: text, 'oci-runtime': text } });
  const activities = ACTIVITIES.filter((name) => values.network === undefined || values.network === name);
  if (activities.length === 0) throw new Error(USAGE);
  const pattern = new RegExp(values.only ?? '');
  const missing = await runscMissing();
  const results: CaseResult[] = [];
  let skipped = 0;
  for (const activity of activities) {
    const cases = casesOf(activity).filter((one) => pattern.test(listOf(one)));
    if (activity === 'gvisor' && missing !== false) {
      console.log(`skipped ${cases.length} cases: ${missing}`);
      skipped = cases.length;
    } else results.push(...(await walkAll(activity, cases, values['oci-runtime'] ?? 'runc')));
  }
  const failed = results.filter(({ failures }) => failures.length > 0);
  for (const { list, failures } of failed) console.log(`FAILED ${list}\n  ${failures.join('\n  ')}`);
  console.log(`${results.length - failed.length} passed, ${failed.length} failed, ${skipped} skipped`);
  return failed.length === 0 && results.length > 0 ? 0 : 1;
}

async function walkAll(activity: Activity, cases: readonly Case[], ociRuntime: string): Promise<CaseResult[]> {
  if (cases.length === 0) return [];
  const began = performance.now();
  console.log(`${activity}: ${cases.length} cases`);
  const results = await walk(activity, cases, ociRuntime, ({ list, seconds, failures }) => {
    console.log(`${failures.length === 0 ? 'ok' : 'FAILED'} ${seconds.toFixed(1)} s ${list}`);
    for (const failure of failures) console.log(`  ${failure}`);
  });
  console.log(`${activity}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return results;
}

process.exitCode = await main();
process.exit();
