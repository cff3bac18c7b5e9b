/** Sessions for a keeper of one test's own. */

import path from 'node:path';
import type { KeptSessionSpec } from '../../../runtime/keeper/protocol.js';
import { daemon, type Harness } from './harness.js';
import type { ClientPipes } from './pipes.js';

let count = 0;

/** What an OCI runtime would start: an orphan that runs `script`. */
export function sessionSpec(
  { state }: Harness,
  script: string,
  pipes: ClientPipes,
  change: Partial<KeptSessionSpec> = {},
): KeptSessionSpec {
  count += 1;
  const pidFile = path.join(state, `session-${count}.pid`);
  const argv = daemon(script).map((argument) => argument.replace('{pidFile}', pidFile));
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  return { argv, env, pidFile, runtimeLog: '', pipes: pipes.passed, startTimeoutMs: 10_000, ...change };
}
