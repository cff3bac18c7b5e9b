/** Where tests keep what is costly to fetch or build: outside the repository, shared by all runs of this user. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** `$XDG_CACHE_HOME/crib-test`, else `/var/cache/crib-test` (tests run as root). Made when it is missing. */
export async function cacheDir(...below: string[]): Promise<string> {
  const dir = join(process.env.XDG_CACHE_HOME || '/var/cache', 'crib-test', ...below);
  await mkdir(dir, { recursive: true });
  return dir;
}
