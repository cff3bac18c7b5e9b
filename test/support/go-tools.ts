/** Programs that tests build of Go modules, kept in the test cache. */
import { access, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from './cache.js';

/** What a build runs with: nothing of the caller's own Go settings but where modules come from. */
export function goEnv(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };
}

/**
 * The directory `name` of the cache; where it is missing, `make` fills a scratch directory that takes the name only when
 * it is complete. `name` must change with what is built.
 */
export async function builtTool(name: string, make: (out: string) => Promise<void>): Promise<string> {
  const cache = await cacheDir('tools');
  const dir = join(cache, name);
  if (await exists(dir)) return dir;
  const began = performance.now();
  console.log(`building ${name}`);
  const scratch = await mkdtemp(join(cache, 'tmp-'));
  try {
    await make(scratch);
    await rename(scratch, dir).catch(async (error: unknown) => {
      // Another run was first; what it made is the same.
      if (!(await exists(dir))) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  console.log(`built ${name} in ${Math.round((performance.now() - began) / 1000)} s`);
  return dir;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
