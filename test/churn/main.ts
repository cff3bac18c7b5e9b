/** `npm run churn`: pods by the hundred, kill -9 at random moments, and a host that is as it was before. */

import { Churn, type ChurnResult } from './churn.js';
import { parseOptions } from './options.js';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  console.log(`churn: seed ${options.seed}`);
  const churn = new Churn(options, (line) => console.log(line));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => churn.interrupt(`ended by ${signal}`));
  }
  let failed = true;
  try {
    const result = await churn.run();
    failed = report(result) > 0;
    return failed ? 1 : 0;
  } catch (error) {
    console.error(`churn: ${error instanceof Error ? error.stack : String(error)}`);
    return 1;
  } finally {
    await churn.cleanUp(failed && options.keep);
  }
}

/** Returns the number of failures. The last line is what .ci/run adds up: pods, restarts, and each phase's counts. */
function report({ phases, notes, failures }: ChurnResult): number {
  const all = [...phases.flatMap((phase) => phase.failures), ...failures];
  for (const failure of all) console.log(`FAILED ${failure}`);
  for (const note of notes) console.log(note);
  const tried = phases.reduce((sum, { pods, kills }) => sum + pods + kills + 1, 0);
  console.log(`${Math.max(0, tried - all.length)} passed, ${all.length} failed, 0 skipped`);
  return all.length;
}

process.exitCode = await main();
process.exit();
