/** When the disk has what was written: after `sync -f`, and until then only the boot that wrote it can trust it. */

import { spawn } from 'node:child_process';
import { CribError } from '../errors.js';

const SYNC_TIMEOUT_MS = 300_000;

/**
 * syncfs(2) in a process of its own, `sync -f`: it may take seconds and would hold the event loop up. Throws UNAVAILABLE
 * when the disk fails.
 */
export function syncFilesystemOf(directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sync', ['-f', directory], {
      stdio: 'ignore',
      timeout: SYNC_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new CribError('UNAVAILABLE', `write ${directory} to disk: sync -f failed (${code ?? 'killed'})`));
    });
  });
}
