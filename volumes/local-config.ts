/**
 * Literal files as a volume, in the layout that the kubelet's configMaps have: a dated directory holds the files,
 * `..data` points to it, and each name at the top is a symlink through `..data`. One rename swaps all files at once.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError, messageOf } from '../runtime/errors.js';
import { volumeDirectory } from './local.js';

export interface ConfigFile {
  readonly data: string | Uint8Array;
  /** Permission bits; default 0644. */
  readonly mode?: number;
}

/**
 * Writes the volume and returns its directory; again with other files, it is changed in place. Throws INVALID_ARGUMENT
 * for a name that is no ConfigMap key.
 */
export async function createConfigVolume(
  podsRoot: string,
  podUid: string,
  name: string,
  files: Readonly<Record<string, ConfigFile | string>>,
): Promise<string> {
  for (const key of Object.keys(files)) checkKey(key);
  const directory = await volumeDirectory(podsRoot, podUid, 'configmap', name);
  try {
    await swap(directory, files);
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `writing the volume ${directory}: ${messageOf(cause)}`, { cause });
  }
  return directory;
}

async function swap(directory: string, files: Readonly<Record<string, ConfigFile | string>>): Promise<void> {
  const dated = path.basename(await fs.mkdtemp(path.join(directory, `..${stamp()}.`)));
  await fs.chmod(path.join(directory, dated), 0o755);
  for (const [key, value] of Object.entries(files)) {
    const { data, mode = 0o644 } = typeof value === 'string' ? { data: value } : value;
    const file = path.join(directory, dated, key);
    await fs.writeFile(file, data, { flag: 'wx' });
    await fs.chmod(file, mode & 0o7777);
  }
  const temporary = path.join(directory, '..data_tmp');
  await fs.rm(temporary, { force: true });
  await fs.symlink(dated, temporary);
  await fs.rename(temporary, path.join(directory, '..data'));
  await tidy(directory, dated, new Set(Object.keys(files)));
}

/** Adds the symlinks that are missing; removes those of files that are gone, and the trees of earlier swaps. */
async function tidy(directory: string, dated: string, keys: ReadonlySet<string>): Promise<void> {
  const there = new Set(await fs.readdir(directory));
  for (const key of keys) {
    if (!there.has(key)) await fs.symlink(path.join('..data', key), path.join(directory, key));
  }
  for (const entry of there) {
    if (entry === dated || entry === '..data' || keys.has(entry)) continue;
    await fs.rm(path.join(directory, entry), { recursive: true, force: true });
  }
}

/** `2026_11_24_04_36_00`, as the kubelet dates its trees. */
function stamp(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-T:]/g, '_');
}

/** Kubernetes validates ConfigMap keys like this; `..` at the beginning is the layout's own. */
function checkKey(key: string): void {
  if (/^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && !key.startsWith('..')) return;
  throw new CribError('INVALID_ARGUMENT', `file name "${key.slice(0, 256)}" is refused: it is not a ConfigMap key`);
}
