/** One cribd a directory: a lock that the kernel drops with the process, however it ends. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory } from './durable-file.js';
import { CribError } from './errors.js';
import { tryLock } from './linux/files.js';

export interface InstanceLock {
  release(): Promise<void>;
}

/** Locks `directory` for this process. Throws FAILED_PRECONDITION naming the process that has it. */
export async function lockInstance(directory: string): Promise<InstanceLock> {
  await makeDirectory(directory, 0o711);
  const file = path.join(directory, 'cribd.lock');
  const handle = await fs.open(file, 'a+', 0o600);
  if (!tryLock(handle.fd)) {
    const holder = (await handle.readFile('utf8')).trim();
    await handle.close();
    throw new CribError(
      'FAILED_PRECONDITION',
      `${directory} is in use by another crib serve, process ${holder}; give each its own --root and --state`,
    );
  }
  await handle.truncate(0);
  await handle.write(`${process.pid}\n`);
  return { release: () => handle.close() };
}
