/** `npm run failpoints`: every step of the node with an error, a hang and a kill -9, before and after it. */

import { parseArgs } from 'node:util';
import { type Activity, casesOf, listOf } from './case.js';
import { type CaseResult, walk } from './walk.js';

const USAGE = `usage: npm run failpoints -- [options]
  --only PATTERN      those whose list (as run-pod/network:after=kill@1) matches
  --network NAME      bridge or cni for pods, pull for images (default: all three)
  --oci-runtime NAME  runc or crun (default runc)`;
const ACTIVITIES = ['bridge', 'cni', 'pull'] as const;

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { only: text, network: text, 'oci-runtime': text } });
  const activities = ACTIVITIES.filter((name) => values.network === undefined || values.network === name);
  if (activities.length === 0) throw new Error(USAGE);
  const pattern = new RegExp(values.only ?? '');
  const results: CaseResult[] = [];
  for (const activity of activities)
    results.push(...(await walkAll(activity, pattern, values['oci-runtime'] ?? 'runc')));
  const failed = results.filter(({ failures }) => failures.length > 0);
  for (const { list, failures } of failed) console.log(`FAILED ${list}\n  ${failures.join('\n  ')}`);
  console.log(`${results.length - failed.length} passed, ${failed.length} failed, 0 skipped`);
  return failed.length === 0 && results.length > 0 ? 0 : 1;
}

async function walkAll(activity: Activity, pattern: RegExp, ociRuntime: string): Promise<CaseResult[]> {
  const cases = casesOf(activity).filter((one) => pattern.test(listOf(one)));
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
