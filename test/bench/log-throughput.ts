/**
 * How fast the keeper turns output into a CRI log: 300 MB of 70-byte lines from a container's FIFO into its log file.
 * Run by `node dist/test/bench/log-throughput.js [MEGABYTES]`; prints JSON.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withKeeper } from '../runtime/keeper/harness.js';

const LINE_BYTES = 70;

async function measure(megabytes: number): Promise<void> {
  const lines = Math.floor((megabytes * 1_000_000) / LINE_BYTES);
  await withKeeper(
    async ({ client, spec, exitOf }) => {
      const line = 'x'.repeat(LINE_BYTES - 1);
      const wanted = spec('bench', { script: `yes ${line} | head -n ${lines}` });
      const start = performance.now();
      await client.create(wanted);
      await exitOf('bench');
      const seconds = (performance.now() - start) / 1000;
      const logBytes = fs.statSync(wanted.stdio.logPath).size;
      const status = fs.readFileSync(`/proc/${client.pid}/status`, 'latin1');
      const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      const complete = logBytes === lines * (LINE_BYTES + 40);
      console.log(JSON.stringify({ megabytes, lines, seconds, logBytes, complete, rssKb, cpus: os.cpus().length }));
    },
    path.join(os.tmpdir(), 'crib-bench-'),
  );
}

await measure(Number(process.argv[2] ?? 300));
