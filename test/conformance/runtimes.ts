/** Starts the runtime under test with directories of its own, and stops it with everything that it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import { PAUSE_IMAGE } from './images.js';
import { CNI_BIN_DIR } from './node-files.js';
import { containerdTools } from './tools.js';

export interface RuntimeSetup {
  /** The test's own directory; everything of the runtime lies below it. */
  readonly dir: string;
  readonly certsDir: string;
  readonly cniConfDir: string;
  readonly ociRuntime: string;
  /** crib's; default cgroupfs. */
  readonly cgroupDriver?: string;
  /** Where the runtime's own output goes. */
  readonly logFile: string;
}

export interface RunningRuntime {
  /** `unix:///…` */
  readonly endpoint: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 20_000;

export async function startCrib(setup: RuntimeSetup): Promise<RunningRuntime> {
  const crib = running(setup, cribSocket(setup), await launchCrib(setup));
  const stop = async (): Promise<void> => {
    await crib.stop();
    await removeParentCgroup('crib');
    if (setup.cgroupDriver === 'systemd') await stopParentSlices();
  };
  return { ...crib, stop };
}

export function cribSocket({ dir }: Pick<RuntimeSetup, 'dir'>): string {
  return join(dir, 'crib.sock');
}

/** The daemon alone: a keeper that runs already goes on. */
export async function launchCrib(setup: RuntimeSetup): Promise<ChildProcess> {
  const config = join(setup.dir, 'crib.toml');
  await writeFile(config, `cgroup_driver = "${setup.cgroupDriver ?? 'cgroupfs'}"\n`);
  const args = ['serve', '--config', config, '--listen', `unix://${cribSocket(setup)}`];
  args.push('--root', join(setup.dir, 'root'), '--state', join(setup.dir, 'state'));
  args.push('--certs-dir', setup.certsDir, '--cni-conf-dir', setup.cniConfDir, '--cni-bin-dir', CNI_BIN_DIR);
  args.push('--oci-runtime', setup.ociRuntime, '--streaming-address', '127.0.0.1:0');
  return launch(setup, process.execPath, [join('dist', 'bundle', 'cribd.js'), ...args], process.env);
}

export async function startContainerd(setup: RuntimeSetup): Promise<RunningRuntime> {
  const bin = await containerdTools();
  const socket = join(setup.dir, 'containerd.sock');
  const file = join(setup.dir, 'containerd.toml');
  await writeFile(file, containerdConfig(setup, socket));
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
  const containerd = running(setup, socket, await launch(setup, join(bin, 'containerd'), ['--config', file], env));
  const stop = async (): Promise<void> => {
    await containerd.stop();
    await removeParentCgroup('k8s.io');
  };
  return { ...containerd, stop };
}

/** containerd puts pods without a parent below `k8s.io`, crib below `crib`; both keep that. rmdir fails where it is in use. */
export async function removeParentCgroup(name: 'k8s.io' | 'crib'): Promise<void> {
  for (const hierarchy of ['.', ...(await readdir('/sys/fs/cgroup'))]) {
    await rmdir(join('/sys/fs/cgroup', hierarchy, name)).catch(() => {});
  }
}

/** Slices that nobody has made a unit file for stay when what was in them has gone: crib's own, and the parent that critest names. */
async function stopParentSlices(): Promise<void> {
  await command('systemctl', ['stop', 'crib.slice', 'test.slice']).catch(() => {});
}

/** `restrict_oom_score_adj`: not every machine lets root lower a score, and then no container would start. */
function containerdConfig(setup: RuntimeSetup, socket: string): string {
  return `version = 3
root = '${setup.dir}/root'
state = '${setup.dir}/state'
disabled_plugins = ['io.containerd.nri.v1.nri']
[grpc]
  address = '${socket}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${PAUSE_IMAGE}'
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '${setup.certsDir}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${CNI_BIN_DIR}']
  conf_dir = '${setup.cniConfDir}'
[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = '${setup.ociRuntime}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'${setup.ociRuntime}']
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'${setup.ociRuntime}'.options]
  BinaryName = '${setup.ociRuntime}'
[plugins.'io.containerd.ttrpc.v1.ttrpc']
  address = '${socket}.ttrpc'
`;
}

async function launch(
  { logFile }: RuntimeSetup,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd], env });
  child.on('error', (error) => console.error(`conformance: ${program}: ${error.message}`));
  await log.close();
  return child;
}

function running(setup: RuntimeSetup, socket: string, child: ChildProcess): RunningRuntime {
  const stop = async (): Promise<void> => {
    await endChild(child);
    // The keeper and the shims outlive their daemon by design: they carry this run's directory in their arguments.
    for (const pid of await processesOf(setup.dir)) kill(pid, 'SIGKILL');
  };
  return { endpoint: `unix://${socket}`, child, stop };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** Processes (other than this one) whose command line names something below `dir`. */
export async function processesOf(dir: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`${dir}/`)) found.push(pid);
  }
  return found;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
