/** A process that plays a container at its worst: it swaps a directory for a symlink while crib works on it. */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { until } from './until.js';

/** Swaps `directory`, again and again, for a link to `target`; what it does shows by the file beside it. */
export async function startSwapper(directory: string, target: string): Promise<ChildProcess> {
  const script = `
    const fs = require('node:fs');
    const [directory, target] = process.argv.slice(1);
    const attempt = (name, ...args) => {
      try { fs[name](...args); return true; } catch (error) { if (error.code === undefined) throw error; return false; }
    };
    // The host may make the directory while it is away: then the next one is swapped.
    for (let round = 0, away = 0; ; round++) {
      attempt('renameSync', directory, directory + away);
      attempt('symlinkSync', target, directory);
      attempt('unlinkSync', directory);
      if (!attempt('renameSync', directory + away, directory)) away++;
      if (round === 1) attempt('writeFileSync', directory + '.swapping', '');
    }`;
  const child = spawn(process.execPath, ['-e', script, directory, target], { stdio: 'inherit' });
  await until(() => fs.existsSync(`${directory}.swapping`), 'the swapper swaps');
  return child;
}

export async function endSwapper(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
}
