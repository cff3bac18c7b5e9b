/** One cribd a directory: a lock that the kernel drops with the process, however it ends. */

import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory } from './durable-file.js';
import { CribError } from './errors.js';
import { tryLock } from './linux/files.js';
import { startTimeOf } from './linux/processes.js';

export interface InstanceLock {
  release(): Promise<void>;
}

/**
 * A process that a daemon was starting when it was killed has its locks until execve(2) closes them, or until it ends
 * by itself: five seconds where it makes a user namespace (linux/user-namespaces.ts).
 */
const ORPHAN_MS = 10_000;
const POLL_MS = 10;

/** Locks `directory` for this process. Throws FAILED_PRECONDITION naming the process that has it. */
export async function lockInstance(directory: string): Promise<InstanceLock> {
  await makeDirectory(directory, 0o711);
  const file = path.join(directory, 'cribd.lock');
  const handle = await fs.open(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  try {
    await take(handle, file, directory);
    await nameHolder(handle).catch(() => undefined); // the lock holds without: a full disk keeps nobody from starting
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { release: () => handle.close() };
}

/** Over what stands there, for which a full disk has room. */
async function nameHolder(handle: FileHandle): Promise<void> {
  const name = Buffer.from(`${process.pid}\n`);
  await handle.write(name, 0, name.length, 0);
  await handle.truncate(name.length);
}

async function take({ fd }: FileHandle, file: string, directory: string): Promise<void> {
  for (const deadline = performance.now() + ORPHAN_MS; !tryLock(fd); await sleep(POLL_MS)) {
    const holder = (await fs.readFile(file, 'utf8')).trim();
    if (startTimeOf(Number(holder)) === undefined && performance.now() < deadline) continue;
    throw new CribError(
      'FAILED_PRECONDITION',
      `${directory} is in use by another crib serve, process ${holder}; give each its own --root and --state`,
    );
  }
}
