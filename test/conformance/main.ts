/**
 * `npm run conformance`: critest 1.36 against crib (or containerd, or a runtime that runs already), with stand-in
 * images from a registry on loopback. Everything it starts, it stops; what the runtime leaves behind is a failure.
 */
import { access, chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir } from '../support/cache.js';
import { command } from '../support/command.js';
import { PATIENCE } from '../support/patience.js';
import { startRegistry } from '../support/registry.js';
import { pushCritestImages } from './images.js';
import { type Outcome, type Run, runUnderKills } from './kill/run.js';
import { type HostState, hostState, leftovers, removeSharedMemory, removeTestMounts } from './leftovers.js';
import { removeNetwork, writeMirrors, writeNetwork } from './node-files.js';
import { prepareOciRuntime } from './oci-runtime.js';
import { type Options, parseOptions } from './options.js';
import { type Expected, printReport, readExpected, readReport } from './report.js';
import { runCritest } from './run-critest.js';
import { startContainerd, startCrib } from './runtimes.js';
import { conformanceTools } from './tools.js';

const READY_TIMEOUT_MS = 30_000 * PATIENCE;
const EXPECTED = join('test', 'conformance');

type Undo = () => Promise<void>;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.runtime === 'crib') {
    await access(join('dist', 'bundle', 'cribd.js')).catch((cause: unknown) => {
      throw new Error('dist/bundle/cribd.js is missing: conformance was not run. Run `npm run build`.', { cause });
    });
  }
  const driver = options.cgroupDriver === 'systemd' ? '-systemd' : '';
  const variant = `${driver}${options.websocket ? '-websocket' : ''}${options.kills > 0 ? '-kill' : ''}`;
  const output = await cacheDir('conformance', `${options.runtime}-${options.handler || options.ociRuntime}${variant}`);
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  const before = await hostState();
  const undo: Undo[] = [];
  const ended = endOnSignal(undo);
  let left: string[] = [];
  let outcome: Outcome = { specs: [], failures: [] };
  try {
    outcome = await Promise.race([runSpecs(options, output, undo), ended]);
  } finally {
    left = await cleanUp(undo, before);
  }
  const { specs, failures } = outcome;
  for (const what of left) console.log(`LEFT BEHIND ${what}`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  console.log(`conformance: logs and report are in ${output}`);
  const others = failures.length + (left.length > 0 ? 1 : 0) + (specs.length === 0 ? 1 : 0);
  if (specs.length === 0) console.log('FAILED no spec was run');
  return printReport(specs, await expectedFailures(options), others) === 0 ? 0 : 1;
}

/** A signal ends the run through the same clean-up as everything else. */
function endOnSignal(undo: readonly Undo[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => reject(new Error(`ended by ${signal} (${undo.length} things to undo)`)));
    }
  });
}

async function runSpecs(options: Options, output: string, undo: Undo[]): Promise<Outcome> {
  const tools = await conformanceTools();
  const dir = await mkdtemp(join(tmpdir(), 'crib-conf-'));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o711); // for pods in user namespaces
  const registry = await startRegistry({ listen: options.registryListen });
  undo.push(registry.stop);
  await pushCritestImages(registry.address);
  const certsDir = options.certsDir || join(dir, 'certs');
  await writeMirrors(certsDir, registry.address);
  const expected = new Set((await expectedFailures(options)).map(({ name }) => name));
  const run = { options, tools, output, expected, undo: (step: Undo) => void undo.push(step) };
  if (options.runtime === 'endpoint') return runOnce(run, options.endpoint);
  undo.push(await prepareOciRuntime(options.ociRuntime));
  const network = await writeNetwork(dir);
  undo.push(() => removeNetwork(network));
  undo.push(() => detachMounts(dir));
  const logFile = join(output, 'runtime.log');
  const { ociRuntime, cgroupDriver } = options;
  const setup = { dir, certsDir, cniConfDir: network.confDir, ociRuntime, cgroupDriver, logFile };
  if (options.kills > 0) return runUnderKills(run, setup, network.bridge);
  const runtime = options.runtime === 'crib' ? await startCrib(setup) : await startContainerd(setup);
  undo.push(runtime.stop);
  undo.push(() => removePods(runtime.endpoint));
  return runOnce(run, runtime.endpoint);
}

async function runOnce({ options, tools, output, undo }: Run, endpoint: string): Promise<Outcome> {
  await waitUntilReady(join(tools, 'crictl'), endpoint);
  const critest = await runCritest({ options, tools, endpoint, output });
  undo(critest.stop);
  await critest.done;
  return { specs: await readReport(critest.reportFile), failures: [] };
}

/** What specs that failed have left in the runtime; the runtime's own removal is a part of the test. */
async function removePods(endpoint: string): Promise<void> {
  const crictl = join(await conformanceTools(), 'crictl');
  const flags = ['--runtime-endpoint', endpoint, '--timeout', '60s'];
  await command(crictl, [...flags, 'rmp', '-a', '-f'], { timeout: 180_000 }).catch((error: unknown) => {
    console.log(`conformance: removing the pods that are left: ${String(error).slice(0, 500)}`);
  });
}

/** Mounts below the run's directory would keep it from going away. Those that are there now were left by the runtime. */
async function detachMounts(dir: string): Promise<void> {
  const mounts = [...((await hostState()).get('mount') ?? [])].filter((path) => path.startsWith(`${dir}/`));
  for (const path of mounts.reverse()) await command('umount', ['-l', path]).catch(() => {});
}

async function waitUntilReady(crictl: string, endpoint: string): Promise<void> {
  const until = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const said = await command(crictl, ['--runtime-endpoint', endpoint, '--timeout', '5s', 'info']).then(
      (text) => text.toString(),
      (error: unknown) => String(error),
    );
    const ready = [...said.matchAll(/"status":\s*true/g)].length;
    if (ready >= 2) return;
    if (Date.now() > until) throw new Error(`the runtime at ${endpoint} did not get ready: ${said.slice(-1500)}`);
    await sleep(200);
  }
}

/** Undoes in reverse, looks at what the runtime left just after it stopped, and returns what is left at the end. */
async function cleanUp(undo: Undo[], before: HostState): Promise<string[]> {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
    await step().catch((error: unknown) => console.log(`conformance: cleaning up: ${String(error)}`));
  }
  await removeSharedMemory(before);
  await removeTestMounts(before);
  const left = leftovers(before, await hostState());
  return left;
}

async function expectedFailures(options: Options): Promise<Expected[]> {
  if (options.runtime === 'containerd') return readExpected(join(EXPECTED, 'expected-failures-containerd.txt'));
  const everywhere = await readExpected(join(EXPECTED, 'expected-failures.txt'));
  if (options.handler !== 'gvisor') return everywhere;
  return [...everywhere, ...(await readExpected(join(EXPECTED, 'expected-failures-gvisor.txt')))];
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
process.exit();
