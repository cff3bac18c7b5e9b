/**
 * `npm run test:kubelet`: a kubelet without an API server runs static pods through crib, first with its generic pod
 * lifecycle event generator, then with the evented one. `npm run test:cluster`: a kubelet below an API server runs what
 * kubectl asks for. Everything happens in a box of own namespaces (box.sh).
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from '../support/cache.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { runOnCluster } from './api/run.js';
import type { Outcome } from './check.js';
import { type Options, type Pleg, parseOptions } from './options.js';
import { printReport, tellOutcome } from './report.js';
import { runOnNode } from './run.js';
import { controlPlaneTools, kubeletTool } from './tools.js';

const BOX = join('test', 'cluster', 'box.sh');

/** Builds and downloads what is needed while there is a network, then runs itself in the box. */
async function outside({ apiServer }: Options): Promise<number> {
  await access(join('dist', 'bundle', 'cribd.js')).catch((cause: unknown) => {
    throw new Error('dist/bundle/cribd.js is missing: the kubelet test was not run. Run `npm run build`.', { cause });
  });
  const kubelet = await kubeletTool();
  const tools = apiServer ? ['--tools', await controlPlaneTools()] : [];
  await busyboxRootfs();
  const dir = await mkdtemp(join(tmpdir(), 'crib-kubelet-'));
  await chmod(dir, 0o711); // for pods in user namespaces
  try {
    const [, main = '', ...args] = process.argv;
    const inside = ['--kubelet', kubelet, ...tools, '--dir', dir];
    // What is made in the box and could be left by a kill lies in the directory that goes with the run.
    const box = spawn('sh', [BOX, process.execPath, main, ...args, ...inside], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, TMPDIR: dir },
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => box.kill('SIGTERM'));
    const [code] = (await once(box, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function inside(options: Options): Promise<number> {
  const results = new Map<Pleg, Outcome[]>();
  for (const pleg of options.plegs) {
    const outcomes: Outcome[] = [];
    results.set(pleg, outcomes);
    const tell = (outcome: Outcome) => {
      outcomes.push(outcome);
      tellOutcome(pleg, outcome);
    };
    const logs = await freshLogs(options.apiServer ? 'cluster' : 'kubelet', pleg);
    const { kubelet, tools, verbosity, cgroupDriver, only } = options;
    const dir = join(options.dir, pleg);
    await mkdir(dir);
    const node = { dir, kubelet, pleg, cgroupDriver, verbosity, logs };
    const run = options.apiServer ? runOnCluster(node, tools, only, tell) : runOnNode(node, only, tell);
    await run.catch((error: unknown) => {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      tell({ name: 'the run as a whole', state: 'failed', seconds: 0, detail });
    });
    console.log(`the logs of crib and the kubelet are in ${logs}`);
  }
  const failures = printReport(results);
  return failures === 0 && [...results.values()].every((list) => list.length > 0) ? 0 : 1;
}

async function freshLogs(what: string, pleg: Pleg): Promise<string> {
  const logs = await cacheDir(what, pleg);
  await rm(logs, { recursive: true, force: true });
  return cacheDir(what, pleg);
}

try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = options.dir === '' ? await outside(options) : await inside(options);
} catch (error) {
  console.error(`kubelet test: ${error instanceof Error ? error.message : String(error)}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
process.exit();
