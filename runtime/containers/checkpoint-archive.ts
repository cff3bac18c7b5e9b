/**
 * The archive of a checkpoint, as CRI-O and Podman have it (checkpointctl reads it):
 *
 *   checkpoint/        the images that CRIU wrote        spec.dump    the OCI specification
 *   rootfs-diff.tar    what the container had written    config.dump  what the container is
 *   deleted.files      what it had deleted of its image
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { attempting, CribError } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { runRuntime } from '../oci/run.js';

const TAR_LIMIT_MS = 600_000;
const MAX_ENTRIES = 1_000_000;

export interface CheckpointSource {
  /** Has `checkpoint/` already; the other parts are added here. */
  readonly directory: string;
  /** The writable layer. */
  readonly upper: string;
  readonly spec: string;
  /** The content of config.dump. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Writes the archive to `location`, readable by root alone. On failure nothing is left there. */
export async function writeCheckpointArchive(source: CheckpointSource, location: string): Promise<void> {
  const { directory, upper, spec, config } = source;
  const partial = `${location}.partial`;
  try {
    await fs.copyFile(spec, path.join(directory, 'spec.dump'));
    await fs.writeFile(path.join(directory, 'config.dump'), JSON.stringify(config));
    const deleted = await whiteouts(upper);
    await fs.writeFile(path.join(directory, 'deleted.files'), JSON.stringify(deleted));
    await writeRootfsDiff(directory, upper, deleted);
    await fs.rm(partial, { force: true });
    await (await fs.open(partial, 'wx', 0o600)).close();
    await tar([
      '--create',
      '--numeric-owner',
      '--file',
      partial,
      '--directory',
      directory,
      ...(await names(directory)),
    ]);
    await fs.rename(partial, location);
  } catch (error) {
    await fs.rm(partial, { force: true }).catch(() => undefined);
    throw attempting(`writing the checkpoint ${location}`, error);
  }
}

async function names(directory: string): Promise<string[]> {
  return (await fs.readdir(directory)).sort();
}

/** Names go by a file: there may be more than an argument list takes. */
async function writeRootfsDiff(directory: string, upper: string, deleted: readonly string[]): Promise<void> {
  const list = path.join(directory, 'excluded');
  try {
    await fs.writeFile(list, deleted.map((name) => `./${name}\0`).join(''));
    const exclude = ['--null', '--no-wildcards', '--anchored', '--exclude-from', list];
    const what = ['--create', '--numeric-owner', '--xattrs', '--xattrs-exclude=trusted.*', ...exclude];
    await tar([...what, '--file', path.join(directory, 'rootfs-diff.tar'), '--directory', upper, '.']);
  } finally {
    await fs.rm(list, { force: true });
  }
}

/** overlayfs marks what was deleted by a character device 0:0 (overlayfs.rst, "whiteouts and opaque directories"). */
async function whiteouts(upper: string): Promise<string[]> {
  const found: string[] = [];
  const pending = [''];
  let seen = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of await fs.readdir(path.join(upper, directory), { withFileTypes: true })) {
      seen += 1;
      if (seen > MAX_ENTRIES) throw new CribError('RESOURCE_EXHAUSTED', `${upper} has over ${MAX_ENTRIES} entries`);
      const name = path.join(directory, entry.name);
      if (entry.isDirectory()) pending.push(name);
      if (entry.isCharacterDevice() && (await isWhiteout(path.join(upper, name)))) found.push(name);
    }
  }
  return found.sort();
}

async function isWhiteout(file: string): Promise<boolean> {
  try {
    return (await fs.lstat(file)).rdev === 0;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false;
    throw error;
  }
}

async function tar(args: readonly string[]): Promise<void> {
  await runRuntime(['tar', ...args], TAR_LIMIT_MS);
}
