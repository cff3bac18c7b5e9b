/**
 * `npm run test:guest`: crib on what nodes have, a machine whose systemd makes pure cgroup v2 groups and whose kernel is
 * Debian's own: crib's tests, critest and a kubelet in a QEMU guest without a network. Slow where QEMU must emulate the
 * processor; meant for the night.
 */

import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from '../support/cache.js';
import { command } from '../support/command.js';
import { makeCargo } from './cargo.js';
import { makeEmptyDisk } from './disk.js';
import { type GuestImage, guestImage } from './image.js';
import { type Accelerator, type Options, parseOptions } from './options.js';
import { startMachine } from './qemu.js';
import { printReports, readReports } from './report.js';
import { ENDED, STARTED } from './steps.js';

/** The guest says its first words long before; a kernel that hangs under KVM never does. */
const START_LIMIT_MS: Readonly<Record<Accelerator, number>> = { kvm: 60_000, tcg: 300_000 };
const RESULTS_MIB = 512;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  await access(join('dist', 'bundle', 'cribd.js')).catch((cause: unknown) => {
    throw new Error('dist/bundle/cribd.js is missing: nothing was run. Run `npm run build`.', { cause });
  });
  const image = await guestImage();
  const cache = await cacheDir('guest');
  const output = join(cache, 'output');
  await rm(output, { recursive: true, force: true });
  await mkdir(output);
  await removeStale(cache);
  const dir = await mkdtemp(join(cache, `run-${process.pid}-`));
  try {
    await runGuest(options, image, dir, output);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  console.log(`guest: the logs of its steps, its journal and its console are in ${output}`);
  return printReports(await readReports(options.steps, output)) === 0 ? 0 : 1;
}

/** Directories of runs that were killed. */
async function removeStale(cache: string): Promise<void> {
  const running = await readdir('/proc');
  for (const name of await readdir(cache)) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !running.includes(pid)) await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** Leaves in `output` what the guest has made of it. */
async function runGuest(options: Options, image: GuestImage, dir: string, output: string): Promise<void> {
  const cargo = join(dir, 'cargo.ext4');
  const steps = options.steps.map(({ name }) => name);
  await makeCargo(cargo, dir, { steps, ...options.choice });
  const results = join(dir, 'results.tar');
  await makeEmptyDisk(results, RESULTS_MIB);
  const disks = { image, cargo, results, consoleLog: join(output, 'console.log') };
  for (const accelerator of options.accelerators) {
    if (await boot(options, { ...disks, accelerator })) break;
  }
  // An empty disk is an empty archive.
  await command('tar', ['-x', '-f', results, '-C', output]);
}

type Disks = Pick<Parameters<typeof startMachine>[0], 'image' | 'cargo' | 'results' | 'consoleLog' | 'accelerator'>;

/** One life of the guest; false where it has not even started. Throws for a signal, after QEMU has ended. */
async function boot(options: Options, disks: Disks): Promise<boolean> {
  const began = performance.now();
  const { processors, memoryMib, limitMinutes } = options;
  const { accelerator } = disks;
  let started = false;
  let done = false;
  const tell = (line: string) => {
    if (line === STARTED) started = true;
    if (line === ENDED) done = true;
    console.log(`[${clock(performance.now() - began)}] ${line}`);
  };
  console.log(`guest: starting with ${accelerator.toUpperCase()}`);
  const machine = startMachine({ ...disks, processors, memoryMib, tell });
  const limits = new Limits();
  try {
    const start = limits.after(START_LIMIT_MS[accelerator], () => (started ? '' : 'has not started'));
    const life = limits.after(limitMinutes * 60_000, () => `has run for ${limitMinutes} min`);
    const why = await Promise.race([machine.ended, start, life, limits.signal()]);
    if (why !== 0) console.log(`guest: ended, because it ${typeof why === 'string' ? why : `ended with ${why}`}`);
    if (started && !done && why === 0) console.log('guest: it was switched off before its steps were done');
  } finally {
    limits.clear();
    await machine.stop();
  }
  return started;
}

/** What ends the wait for a guest before its own end. */
class Limits {
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #handlers: [NodeJS.Signals, () => void][] = [];

  /** Resolves after `ms` with what `reason` says then; never where that is empty. */
  after(ms: number, reason: () => string): Promise<string> {
    return new Promise((resolve) => {
      const check = () => {
        const why = reason();
        if (why !== '') resolve(why);
      };
      this.#timers.push(setTimeout(check, ms));
    });
  }

  /** Rejects with the first signal that would end this process. */
  signal(): Promise<never> {
    return new Promise((_, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        const handler = () => reject(new Error(`ended by ${signal}`));
        this.#handlers.push([signal, handler]);
        process.once(signal, handler);
      }
    });
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`guest test: ${error instanceof Error ? error.message : String(error)}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
