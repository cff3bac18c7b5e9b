/** Docker's config.json (docs of `docker login`): `auths`, `credHelpers`, `credsStore`. */

import { attempting, CribError } from '../../errors.js';
import { readConfigFile } from './bounded-file.js';
import { askHelper } from './credential-helper.js';
import { type Credentials, canonicalHost, fromAuth } from './credentials.js';

/** The key that Docker writes for Docker Hub. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/**
 * The credentials for the first of `hosts` that one of the files knows; files in the given order, absent ones are
 * skipped. `repository` is for keys with a path (`host/team`), of which the longest counts. Throws
 * FAILED_PRECONDITION that names a file that cannot be read.
 */
export async function findInDockerConfigs(
  files: readonly string[],
  hosts: readonly string[],
  repository: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  for (const file of files) {
    const config = await loadConfig(file);
    if (config === undefined) continue;
    for (const host of new Set(hosts.map(canonicalHost))) {
      const found = await findIn(file, config, host, repository, signal);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function loadConfig(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readConfigFile(file);
  if (text === undefined || text.trim() === '') return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // The parser's message would quote the file, and with it secrets.
  }
  throw new CribError('FAILED_PRECONDITION', `${file} is not a JSON object; mend or remove it`);
}

async function findIn(
  file: string,
  config: Record<string, unknown>,
  host: string,
  repository: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const helper = entryFor(config.credHelpers, host, repository)?.value ?? config.credsStore;
  if (typeof helper === 'string' && helper !== '') {
    const found = await askHelper(helper, host === 'docker.io' ? DOCKER_HUB_KEY : host, signal);
    if (found !== undefined) return found;
  }
  const entry = entryFor(config.auths, host, repository);
  if (entry === undefined || typeof entry.value !== 'object' || entry.value === null) return undefined;
  const fields: Record<string, unknown> = { ...entry.value };
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  try {
    return fromAuth({
      username: text('username'),
      password: text('password'),
      auth: text('auth'),
      identityToken: text('identitytoken'),
      registryToken: text('registrytoken'),
    });
  } catch (error) {
    const { message } = attempting(`${file}: auths[${JSON.stringify(entry.key)}]`, error);
    throw new CribError('FAILED_PRECONDITION', message, { cause: error });
  }
}

/** The entry for `host/repository`, the nearest of its parents, or the host, however the key was written. */
function entryFor(table: unknown, host: string, repository: string): { key: string; value: unknown } | undefined {
  if (typeof table !== 'object' || table === null) return undefined;
  const target = `${host}/${repository}`;
  let best: { key: string; value: unknown; length: number } | undefined;
  for (const [key, value] of Object.entries(table)) {
    const scope = scopeOf(key);
    const covers = scope === target || target.startsWith(`${scope}/`);
    if (covers && (best === undefined || scope.length > best.length)) best = { key, value, length: scope.length };
  }
  return best;
}

/** `https://index.docker.io/v1/` is `docker.io`; `host/team/` is `host/team`; the API's own path is no scope. */
function scopeOf(key: string): string {
  const host = canonicalHost(key);
  const rest = key
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/^[^/]*/, '')
    .replace(/\/+$/, '');
  return rest === '/v1' || rest === '/v2' ? host : `${host}${rest}`;
}
