/**
 * How fast output becomes a CRI log: 300 MB of lines of 70 bytes, by one container or by twenty at a time, then one last
 * line of each.
 */

import { open, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from './contestant.js';
import { inParallel } from './parallel.js';
import { type Results, timed } from './results.js';
import type { Workload } from './workload.js';

const LINE_BYTES = 70;
const LINES = Math.floor(300_000_000 / LINE_BYTES);
const LAST = 'the last line';
const TIMEOUT_MS = 120_000;
const POLL_MS = 10;
const NEWLINE = 10;
const WIDTH = 4;

export async function measureLog(
  contestants: readonly Contestant[],
  workload: Workload,
  rounds: number,
  results: Results,
): Promise<void> {
  const group = 'Container log, 300 MB in lines of 70 bytes';
  const script = `yes ${'x'.repeat(LINE_BYTES - 1)} | head -c ${LINES * LINE_BYTES}; echo ${LAST}`;
  for (let round = 0; round < rounds; round++) {
    for (const on of contestants) {
      const { ms, value: running } = await timed(async () => {
        const started = await workload.run(on, ['sh', '-c', script]);
        await untilComplete(started.logFile);
        return started;
      });
      results.add(group, 'from RunPodSandbox until the last line is in the file', 's', on.side, ms / 1000);
      const lines = await countLines(running.logFile);
      if (lines !== LINES + 1) results.note(`${on.side} wrote ${lines} lines to the log instead of ${LINES + 1}.`);
      await workload.remove(on, running);
      await rm(running.logFile, { force: true });
    }
  }
}

const WRITERS = 20;

/** From the moment at which twenty running containers are told to write until the last one's last line is there. */
export async function measureLogs(
  contestants: readonly Contestant[],
  workload: Workload,
  rounds: number,
  results: Results,
): Promise<void> {
  const group = `Container logs, ${WRITERS} containers at a time, 300 MB together in lines of 70 bytes`;
  const gate = workload.gate('write');
  const lines = Math.floor(LINES / WRITERS);
  const wait = `while [ ! -e ${gate.inside} ]; do sleep 0.02; done`;
  const script = `${wait}; yes ${'x'.repeat(LINE_BYTES - 1)} | head -c ${lines * LINE_BYTES}; echo ${LAST}`;
  for (let round = 0; round < rounds; round++) {
    for (const on of contestants) {
      await gate.close();
      const writers = Array.from({ length: WRITERS });
      const running = await inParallel(WIDTH, writers, () => workload.run(on, ['sh', '-c', script]));
      const { ms } = await timed(async () => {
        await gate.open();
        await Promise.all(running.map(({ logFile }) => untilComplete(logFile)));
      });
      results.add(group, 'until the last line of all is in its file', 's', on.side, ms / 1000);
      for (const { logFile } of running) {
        const found = await countLines(logFile);
        if (found !== lines + 1) results.note(`${on.side} wrote ${found} lines to a log instead of ${lines + 1}.`);
      }
      await inParallel(WIDTH, running, (one) => workload.remove(on, one));
      for (const { logFile } of running) await rm(logFile, { force: true });
    }
  }
  await gate.close();
}

async function untilComplete(file: string): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  for (;;) {
    if ((await tail(file)).includes(LAST)) return;
    if (performance.now() > until) throw new Error(`the log ${file} was not complete after ${TIMEOUT_MS} ms`);
    await sleep(POLL_MS);
  }
}

/** The last bytes of the file; empty when it is not there yet. */
async function tail(file: string): Promise<string> {
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined) return '';
  const handle = await open(file);
  try {
    const buffer = Buffer.alloc(200);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, Math.max(0, facts.size - buffer.length));
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function countLines(file: string): Promise<number> {
  const handle = await open(file);
  try {
    const buffer = Buffer.alloc(4 << 20);
    let lines = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return lines;
      const read = buffer.subarray(0, bytesRead);
      for (let at = read.indexOf(NEWLINE); at !== -1; at = read.indexOf(NEWLINE, at + 1)) lines++;
    }
  } finally {
    await handle.close();
  }
}
