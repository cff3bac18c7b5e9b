/** RLIMIT_NOFILE as it was before Node raised its own soft limit to the hard one: what other programs are to get. */

import { RLIMIT_NOFILE } from './constants.js';
import { type ResourceLimit, resourceLimit } from './processes.js';

/** Where nobody says otherwise: systemd's DefaultLimitNOFILE. */
export const DEFAULT_SOFT_FILES = '1024';

/** By CRIB_NOFILE_SOFT in `env`, which the `crib` command sets from its shell's; undefined: what it says is no number. */
export function originalFileLimit(env: NodeJS.ProcessEnv): ResourceLimit | undefined {
  const { CRIB_NOFILE_SOFT: text = DEFAULT_SOFT_FILES } = env;
  if (!/^\d{1,18}$/.test(text)) return undefined;
  const { hard } = resourceLimit(RLIMIT_NOFILE);
  const soft = BigInt(text);
  return { soft: soft < hard ? soft : hard, hard };
}
