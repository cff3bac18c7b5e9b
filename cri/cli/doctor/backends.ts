/** The checks of each backend, put together. None of them needs a daemon. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { messageOf } from '../../../runtime/errors.js';
import type { Log } from '../../../runtime/log.js';
import { discoverRuntimes, findExecutable } from '../../../runtime/oci/discover.js';
import { tryRunsc } from '../../../runtime/oci/runsc.js';
import { findBusybox } from '../../../sandbox/gvisor/guest-volumes.js';
import type { Config } from '../config.js';
import { type Check, limited, missing, ok, program, which } from './check.js';
import { apparmorCheck, checkpointCheck, runtimeFeatureChecks, streamingCheck } from './features.js';
import { kernelChecks } from './kernel.js';
import { networkChecks } from './network.js';
import { storageChecks } from './storage.js';

const quiet = () => undefined;
const QUIET: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface BackendReport {
  readonly backend: 'host' | 'gvisor' | 'vm';
  /** Whether this crib has the backend at all. */
  readonly built: boolean;
  /** Nothing is missing; something may be limited. */
  readonly ready: boolean;
  readonly checks: readonly Check[];
}

export async function examineHost(config: Config): Promise<BackendReport[]> {
  const [host, gvisor, vm] = await Promise.all([hostChecks(config), gvisorChecks(config), vmChecks()]);
  return [report('host', true, host), report('gvisor', true, gvisor), report('vm', false, vm)];
}

function report(backend: BackendReport['backend'], built: boolean, checks: Check[]): BackendReport {
  return { backend, built, ready: built && checks.every(({ state }) => state !== 'missing'), checks };
}

async function hostChecks(config: Config): Promise<Check[]> {
  return [
    ...(await kernelChecks()),
    ...(await storageChecks(config.root)),
    ...(await runtimeChecks(config)),
    await optional('catatonit', 'catatonit', 'init of pods that share one PID namespace'),
    await optional('zstd', 'zstd', 'images with zstd layers'),
    ...(await networkChecks(config)),
    await streamingCheck(config.streamingAddress),
    await checkpointCheck(),
    ...(await apparmorCheck()),
  ];
}

/** Each runtime is tried with a real container: one that is installed may still not run here. */
async function runtimeChecks(config: Config): Promise<Check[]> {
  const what = 'OCI runtime';
  const stateDir = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-doctor-'));
  await fs.chmod(stateDir, 0o711); // for the trial of a user namespace
  try {
    const runtimes = await discoverRuntimes({
      ...(config.ociRuntime === '' ? {} : { preferred: config.ociRuntime }),
      stateDir,
      log: QUIET,
    });
    const anyWorks = runtimes.some(({ works }) => works);
    const install = 'apt-get install crun';
    if (runtimes.length === 0) return [missing(what, 'neither crun nor runc is installed', install)];
    return runtimes.flatMap((runtime): Check[] => {
      const { name, path: file, version, works, reason } = runtime;
      if (works)
        return [ok(`${what} ${name}`, `${file} ${version}: ran a container`), ...runtimeFeatureChecks(runtime)];
      const [detail = '', mend = anyWorks ? '' : install] = reason.split('. To mend it: ');
      return [(anyWorks ? limited : missing)(`${what} ${name}`, detail, mend)];
    });
  } catch (error) {
    return [missing(what, messageOf(error), 'run crib doctor as root')];
  } finally {
    await fs.rm(stateDir, { recursive: true, force: true });
  }
}

async function optional(name: string, packageName: string, use: string): Promise<Check> {
  const check = await program(name, packageName, use);
  return check.state === 'ok' ? check : limited(check.what, check.detail, check.mend);
}

/** runsc is tried with a real sandbox, as `crib serve` does. */
async function gvisorChecks(config: Config): Promise<Check[]> {
  const helpers = [
    await program('catatonit', 'catatonit', "process of each pod's root container"),
    await busyboxCheck(),
  ];
  const file = await findExecutable('runsc');
  if (file === undefined) {
    const mend = 'apt-get install runsc (Debian 12: -t bookworm-backports, once those are among its sources)';
    return [missing('runsc', "gVisor's OCI runtime", mend), ...helpers];
  }
  const stateDir = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-doctor-'));
  try {
    const { version, platform, reason } = await tryRunsc(file, {
      stateDir,
      platform: config.gvisorPlatform,
      log: QUIET,
    });
    if (platform !== '') return [ok('runsc', `${file} ${version}: ran a sandbox on ${platform}`), ...helpers];
    return [missing('runsc', reason, 'install a newer runsc, or run crib doctor as root'), ...helpers];
  } finally {
    await fs.rm(stateDir, { recursive: true, force: true });
  }
}

async function busyboxCheck(): Promise<Check> {
  const file = await findBusybox();
  if (file !== '') return ok('busybox', `${file}: static`);
  const without = 'no static busybox: configMaps and secrets are shared from the host, and inotify does not fire';
  return limited('busybox', without, 'apt-get install busybox-static');
}

const QEMU: Readonly<Record<string, { program: string; package: string }>> = {
  x64: { program: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  arm64: { program: 'qemu-system-aarch64', package: 'qemu-system-arm' },
};

async function vmChecks(): Promise<Check[]> {
  const qemu = QEMU[process.arch];
  if (qemu === undefined) return [missing('qemu', `no machine type is known for ${process.arch}`, '')];
  return [await program(qemu.program, qemu.package, 'the virtual machine'), await virtiofsd(), await kvm()];
}

/** Debian has it outside of the PATH. */
async function virtiofsd(): Promise<Check> {
  const file = (await which('virtiofsd')) ?? (await which('virtiofsd', ['/usr/libexec', '/usr/lib/qemu']));
  if (file !== undefined) return ok('virtiofsd', file);
  return limited('virtiofsd', 'shares are 9p without it', 'apt-get install virtiofsd (Debian 12: qemu-system-common)');
}

async function kvm(): Promise<Check> {
  try {
    const handle = await fs.open('/dev/kvm', 'r+');
    await handle.close();
    return ok('KVM', '/dev/kvm can be opened; whether a guest runs on it shows at its first boot');
  } catch (error) {
    const mend =
      'switch virtualisation on in the firmware, or nested virtualisation in the hypervisor; modprobe kvm_intel or kvm_amd';
    return limited('KVM', `${messageOf(error)}: virtual machines are emulated, which is slow`, mend);
  }
}
