/**
 * In the guest, as a unit of its systemd: runs the steps of the plan one after the other, says on the console how it goes,
 * keeps what they print for the host, and switches the machine off.
 *   node inside.js PARTS
 */

import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { access, cp, mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { command } from '../support/command.js';
import { ENDED, MARK, PLAN, type Plan, RESULTS, type Result, STARTED, STEPS, type Step } from './steps.js';

const DIR = '/var/tmp/crib-guest';
/** The third disk. */
const RESULTS_DISK = '/dev/vdc';
/** What conformance and kubelet tests keep. */
const LOGS = ['/var/cache/crib-test/conformance', '/var/cache/crib-test/kubelet'];
const CGROUP2_MAGIC = 0x63677270;

/** A serial line is slow: what is long stands in the step's log. */
function say(line: string): void {
  process.stdout.write(`${MARK}${line.slice(0, 300)}\n`);
}

/** What the whole run is for: nothing counts without it. */
async function checkGuest(): Promise<void> {
  const { type } = await statfs('/sys/fs/cgroup');
  if (type !== CGROUP2_MAGIC) throw new Error('the guest has no pure cgroup v2');
  await access('/run/systemd/system');
}

async function runStep(step: Step, plan: Plan): Promise<Result> {
  const began = performance.now();
  const { name, limitMinutes } = step;
  const log = createWriteStream(join(DIR, `${name}.log`));
  // A group of its own, to kill all of it.
  const child = spawn(process.execPath, [...step.command, ...(step.narrow?.(plan) ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, CRIB_TEST_PATIENCE: '5' },
  });
  child.stderr.on('data', (chunk: Buffer) => log.write(chunk));
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`);
    say(`${name}: ${line}`);
  });
  let tooLong = false;
  const timer = setTimeout(() => {
    tooLong = true;
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }, limitMinutes * 60_000);
  const end = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(tooLong ? `stopped after ${limitMinutes} min` : (signal ?? code ?? -1)),
    );
  });
  clearTimeout(timer);
  await new Promise<void>((resolve) => log.end(resolve));
  return { name, end, seconds: Math.round((performance.now() - began) / 1000) };
}

/** After each step, so that a host that gives up has those that were done. */
async function deliver(results: readonly Result[]): Promise<void> {
  await writeFile(join(DIR, RESULTS), JSON.stringify(results));
  for (const from of LOGS) {
    await cp(from, join(DIR, 'logs', from.slice(from.lastIndexOf('/') + 1)), { recursive: true }).catch(() => {});
  }
  await writeFile(join(DIR, 'journal.txt'), await command('journalctl', ['--boot', '--no-pager']));
  await command('sh', ['-c', 'tar -C "$1" -cf "$2" . && sync "$2"', 'sh', DIR, RESULTS_DISK]);
}

async function main(parts: string): Promise<void> {
  say(STARTED);
  await checkGuest();
  await mkdir(DIR, { recursive: true });
  const plan = JSON.parse(await readFile(join(parts, PLAN), 'utf8')) as Plan;
  const results: Result[] = [];
  for (const step of STEPS.filter(({ name }) => plan.steps.includes(name))) {
    say(`== ${step.name}`);
    const result = await runStep(step, plan);
    results.push(result);
    say(`== ${step.name} ended with ${result.end} after ${result.seconds} s`);
    await deliver(results);
  }
  say(ENDED);
}

try {
  await main(process.argv[2] ?? '');
} catch (error) {
  say(`FAILED ${error instanceof Error ? error.message : String(error)}`);
}
// Nothing of this machine is kept: there is nothing to shut down in order.
await command('systemctl', ['poweroff', '--force', '--force']);
