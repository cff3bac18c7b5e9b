/**
 * `npm run bench`: crib and containerd measured in turn, on one machine in one run, with the same OCI runtime, images,
 * CNI chain and client. It measures and reports; nothing here fails because something is slow.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeMirrors } from '../conformance/node-files.js';
import { command } from '../support/command.js';
import { BareRuntime } from './bare-runtime.js';
import { measureLog, measureLogs } from './container-log.js';
import { type Contestant, containerdContestant, cribContestant } from './contestant.js';
import { crioContestant, isCrioInstalled } from './crio.js';
import { measurePull } from './image-pull.js';
import { type BenchImages, startImages } from './images.js';
import { findLeftovers, mountsBelow, removeCgroupParent } from './leftovers.js';
import { type Contestants, measureExec, measureLifecycle, measureParallel } from './lifecycle.js';
import { measureMany, measureStarted } from './many.js';
import { type Options, type Part, parseOptions } from './options.js';
import { cpuMs } from './processes.js';
import { describeMachine, replaceBlock, toMarkdown } from './report.js';
import { Results, type Runtime } from './results.js';
import { Workload } from './workload.js';

type Undo = () => Promise<void>;

interface Stage {
  readonly options: Options;
  readonly dir: string;
  readonly contestants: Contestants;
  readonly workload: Workload;
  readonly images: BenchImages;
  readonly results: Results;
  readonly undo: Undo[];
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const begin = performance.now();
  const undo: Undo[] = [];
  const results = new Results();
  const dir = await mkdtemp(join(tmpdir(), 'crib-bench-'));
  let left: string[] = [];
  let closeWorkload = () => {};
  const signalled = endOnSignal();
  let failure: unknown;
  try {
    const run = prepare(options, dir, results, undo, (stage) => {
      closeWorkload = () => stage.workload.close();
      undo.unshift(async () => {
        await removeCgroupParent(stage.workload.cgroupParent);
        const { cni, bridge } = stage.contestants;
        const all = [...cni, ...(bridge === undefined ? [] : [bridge])];
        left = await findLeftovers(dir, stage.workload.cgroupParent, all);
      });
    }).then(measure);
    await Promise.race([run, signalled]);
  } catch (error) {
    failure = error;
    results.note(`The run ended early: ${String(error)}`);
  } finally {
    closeWorkload();
    await cleanUp(undo);
    for (const path of (await mountsBelow(dir)).reverse()) await command('umount', ['-l', path]).catch(() => {});
    await rm(dir, { recursive: true, force: true });
  }
  // What was measured until then is told, but is not the document's.
  const told = failure === undefined ? options : { ...options, docs: '' };
  await report(told, results, (performance.now() - begin) / 1000);
  for (const what of left) console.error(`bench: LEFT BEHIND ${what}`);
  if (failure !== undefined) throw failure;
  return left.length === 0 ? 0 : 1;
}

async function prepare(
  options: Options,
  dir: string,
  results: Results,
  undo: Undo[],
  onStage: (stage: Stage) => void,
): Promise<Stage> {
  const wants = (part: Part) => options.parts.includes(part);
  const images = await startImages(wants('pull'));
  undo.push(() => images.registry.stop());
  const certsDir = join(dir, 'certs');
  await writeMirrors(certsDir, images.registry.address);
  const { cni, bridge } = await contestants(options, dir, certsDir, images.registry.address, results);
  const workload = await Workload.create(dir, images.busybox);
  const stage = { options, dir, contestants: { cni, bridge }, workload, images, results, undo };
  onStage(stage);
  for (const on of [...cni, ...(bridge === undefined ? [] : [bridge])]) {
    undo.push(() => on.stop());
    await on.mountState();
    await on.start();
    await on.cri.images.pullImage({ image: { image: images.busybox } });
  }
  return stage;
}

/** Those that are asked for; CRI-O only where it is installed. */
async function contestants(
  { parts, against }: Options,
  dir: string,
  certsDir: string,
  registry: string,
  results: Results,
): Promise<Contestants> {
  const wants = (runtime: Runtime) => against.length === 0 || against.includes(runtime);
  const cni: Contestant[] = [];
  if (wants('crib')) cni.push(await cribContestant(join(dir, 'crib'), certsDir, 'cni'));
  if (wants('containerd')) cni.push(await containerdContestant(join(dir, 'containerd'), certsDir));
  if (wants('crio') && (await isCrioInstalled())) cni.push(await crioContestant(join(dir, 'crio'), registry));
  else if (wants('crio')) results.note('CRI-O is not installed here, and was left out.');
  const own = parts.includes('lifecycle') && wants('crib');
  return { cni, bridge: own ? await cribContestant(join(dir, 'crib-own'), certsDir, 'bridge') : undefined };
}

async function measure({ options, dir, contestants, workload, images, results, undo }: Stage): Promise<void> {
  const { cni } = contestants;
  const wants = (part: Part) => options.parts.includes(part);
  const say = (part: Part) => console.error(`bench: ${part}`);
  if (wants('many')) await measureStarted(cni, results);
  if (wants('lifecycle') || wants('exec')) {
    const bare = await bareRuntime(dir, contestants, workload, results, undo);
    if (wants('lifecycle')) {
      say('lifecycle');
      await measureLifecycle(contestants, workload, bare, options.rounds, results);
    }
    if (wants('exec')) {
      say('exec');
      await measureExec(cni, workload, bare, options.rounds, cpuOf, results);
    }
  }
  if (wants('parallel')) {
    say('parallel');
    for (const width of options.widths) await measureParallel(contestants, workload, width, options.repeats, results);
  }
  if (wants('log')) {
    say('log');
    await measureLog(cni, workload, options.repeats, results);
    await measureLogs(cni, workload, options.repeats, results);
  }
  if (wants('pull')) {
    say('pull');
    await measurePull(cni, images.small, 'one layer, 1 MB compressed', 'ms', results);
    const big = images.big.slice(0, options.bigPulls);
    await measurePull(cni, big, '8 layers, 181 MB compressed, 537 MB raw', 's', results);
  }
  if (wants('many')) {
    say('many');
    await measureMany(cni, workload, options.counts, results);
  }
}

/** runc by hand, on the bundle of a container of crib's that runs as long as it is needed. */
async function bareRuntime(
  dir: string,
  { cni }: Contestants,
  workload: Workload,
  results: Results,
  undo: Undo[],
): Promise<BareRuntime | undefined> {
  const crib = cni.find(({ side }) => side === 'crib');
  if (crib === undefined) return undefined;
  const { container } = await workload.run(crib, 'idle');
  const bundle = join(crib.dir, 'state', 'containers', container);
  const bare = await BareRuntime.create('runc', join(dir, 'bare'), bundle, workload.cgroupParent);
  if (bare === undefined) results.note('runc could not be run by hand on a bundle of crib: no bare runtime.');
  else undo.push(() => bare.stop());
  return bare;
}

async function cpuOf(on: Contestant): Promise<number> {
  const { daemon, supervisors } = await on.pids();
  return cpuMs([daemon, ...supervisors]);
}

async function report(options: Options, results: Results, seconds: number): Promise<void> {
  const head = [
    `Measured on ${await describeMachine()}, in ${Math.round(seconds)} s, ${new Date().toISOString().slice(0, 10)}.`,
    'Median, and the 90th percentile in brackets. Ratios are medians of ratios of samples taken one after the other.',
  ];
  const markdown = toMarkdown(results, head);
  console.log(markdown);
  if (options.docs !== '') await replaceBlock(options.docs, markdown);
  if (options.json !== '') {
    const all = { head, notes: results.notes, rows: results.rows(), samples: results.samples() };
    await writeFile(options.json, `${JSON.stringify(all, undefined, 1)}\n`);
  }
}

/** A signal ends the run through the same clean-up as everything else. */
function endOnSignal(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
    }
  });
}

async function cleanUp(undo: Undo[]): Promise<void> {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
    await step().catch((error: unknown) => console.error(`bench: cleaning up: ${String(error)}`));
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.stack : String(error)}`);
  process.exitCode = 1;
}
process.exit();
