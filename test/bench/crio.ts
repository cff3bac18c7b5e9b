/**
 * CRI-O, where it is installed (`crio` and `conmon` on the PATH), with directories of its own. Not tried: the machine that
 * this was written on has none; its configuration is tested as text.
 */

import { spawn } from 'node:child_process';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAUSE_IMAGE } from '../conformance/images.js';
import { command } from '../support/command.js';
import { CNI_BIN_DIR, Contestant } from './contestant.js';
import { writeNetwork } from './network.js';

export interface CrioSetup {
  readonly dir: string;
  readonly cniConfDir: string;
  /** `host:port` of the registry, which speaks HTTP. */
  readonly registry: string;
  /** Absolute path of the OCI runtime. */
  readonly ociRuntime: string;
}

/** crio.conf(5) of an instance that shares nothing with one of the host's own. */
export function crioConfig({ dir, cniConfDir, registry, ociRuntime }: CrioSetup): string {
  return `[crio]
root = "${dir}/root"
runroot = "${dir}/state/storage"
storage_driver = "overlay"
log_dir = "${dir}/logs"
version_file = "${dir}/state/version"
version_file_persist = "${dir}/root/version"
clean_shutdown_file = "${dir}/root/clean.shutdown"
[crio.api]
listen = "${dir}/crio.sock"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
default_runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
namespaces_dir = "${dir}/state/ns"
container_exits_dir = "${dir}/state/exits"
container_attach_socket_dir = "${dir}/state/attach"
[crio.runtime.runtimes.runc]
runtime_path = "${ociRuntime}"
runtime_root = "${dir}/state/runc"
[crio.image]
pause_image = "${PAUSE_IMAGE.replace(/^[^/]+/, registry)}"
signature_policy = "${dir}/policy.json"
insecure_registries = ["${registry}"]
[crio.network]
network_dir = "${cniConfDir}"
plugin_dirs = ["${CNI_BIN_DIR}"]
`;
}

/** Takes images unsigned, as the others do here. */
const POLICY = { default: [{ type: 'insecureAcceptAnything' }] };

export async function isCrioInstalled(): Promise<boolean> {
  const there = (program: string) =>
    command('sh', ['-c', `command -v ${program}`]).then(
      () => true,
      () => false,
    );
  return (await there('crio')) && (await there('conmon'));
}

export async function crioContestant(dir: string, registry: string): Promise<Contestant> {
  await mkdir(dir, { recursive: true });
  const cni = await writeNetwork(dir, 'o');
  const ociRuntime = (await command('sh', ['-c', 'command -v runc'])).toString().trim();
  const file = join(dir, 'crio.conf');
  await writeFile(file, crioConfig({ dir, cniConfDir: cni.confDir, registry, ociRuntime }));
  await writeFile(join(dir, 'policy.json'), JSON.stringify(POLICY));
  const launch = async () => {
    const log = await open(join(dir, 'daemon.log'), 'a');
    const args = ['--config', file, '--config-dir', ''];
    const child = spawn('crio', args, { stdio: ['ignore', log.fd, log.fd] });
    child.on('error', (error) => console.error(`bench: crio: ${error.message}`));
    await log.close();
    return child;
  };
  const marks = [cni.name, cni.bridge];
  const endpoint = `unix://${join(dir, 'crio.sock')}`;
  return new Contestant({ side: 'crio', dir, endpoint, bridge: cni.bridge, marks, launch });
}
