/**
 * Tries an OCI runtime on this host by running one container with it, because nothing else tells: crun refuses some
 * cgroup layouts, an old runc some kernels. The container's root is made of the host's own directories, bound
 * read-only, so that no image is needed.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { Cgroups } from '../cgroups/types.js';
import { unmountIfMounted } from '../containers/rootfs.js';
import { messageOf } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { removeCopies } from './environment.js';
import { OciRuntime, type RuntimeFacts } from './oci-runtime.js';

const RUN_LIMIT_MS = 15_000;
const PROBE_DIRECTORY = /^probe-([A-Za-z0-9_.+]+-[0-9]+)$/;
/** Where programs and their libraries are; on some hosts the short ones are symlinks to the first. */
const SYSTEM_DIRECTORIES = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'nix', 'gnu'];

/** Something that a container needs besides, to be tried with one. */
export interface Trial {
  /** Options of the runtime before its command. */
  readonly options?: readonly string[];
  /** What is run in place of the runtime's command line. */
  wrap?(argv: readonly string[]): string[];
  /** Changes `spec`, in whose bundle `directory` it may make files and the mounts that `MOUNT_POINTS` names. */
  prepare(spec: ProbeSpec, directory: string): Promise<void>;
  /** Throws when what the container wrote is not what it should be. */
  check(output: string): void;
}

/** Where trials mount something, below the bundle; unmounted also after a kill. */
export const MOUNT_POINTS = ['merged', 'layers', 'source/sub', 'ns/net', 'ns/ipc', 'ns/uts', 'ns/user'] as const;

export interface ProbeSpec {
  process: Record<string, unknown>;
  root: { path: string };
  hostname?: string;
  mounts: Record<string, unknown>[];
  linux: Record<string, unknown>;
}

/** Runs `true`, or a trial, in a container. Resolves to why that failed; undefined: it works. Leaves nothing behind. */
export async function probeRuntime(
  facts: RuntimeFacts,
  stateDir: string,
  cgroups: Cgroups,
  trial?: Trial,
): Promise<string | undefined> {
  const id = `${facts.name.replace(/[^A-Za-z0-9_.+]/g, '_')}-${process.pid}`;
  const directory = path.join(stateDir, `probe-${id}`);
  const runtime = new OciRuntime(facts, trial?.options);
  const target = { id: `crib-probe-${id}`, root: path.join(directory, 'root'), log: path.join(directory, 'log') };
  try {
    await fs.mkdir(path.join(directory, 'rootfs'), { recursive: true, mode: 0o711 });
    const spec = await probeSpec(directory, target.id);
    await trial?.prepare(spec, directory);
    await fs.writeFile(path.join(directory, 'config.json'), JSON.stringify({ ociVersion: '1.0.2', ...spec }));
    const [command, ...rest] = runtime.createArgv({ ...target, bundle: directory, pidFile: `${directory}/pid` });
    const argv = [command ?? '', ...rest.map((word) => (word === 'create' ? 'run' : word))];
    const output = await runtime.run(trial?.wrap?.(argv) ?? argv, RUN_LIMIT_MS);
    trial?.check(output);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await runtime.delete(target).catch(() => undefined); // a runtime that does not work cannot delete either
    await removeProbe(directory, id, cgroups);
  }
}

/** Removes what a crib that was killed while probing has left. */
export async function removeStaleProbes(stateDir: string, cgroups: Cgroups): Promise<void> {
  for (const name of await fs.readdir(stateDir).catch(() => [])) {
    const id = PROBE_DIRECTORY.exec(name)?.[1];
    if (id === undefined) continue;
    const pid = Number(id.slice(id.lastIndexOf('-') + 1));
    if (pid !== process.pid && isAlive(pid)) continue;
    await removeProbe(path.join(stateDir, name), id, cgroups);
  }
}

/** All other mounts were made in the container's mount namespace. */
async function removeProbe(directory: string, id: string, cgroups: Cgroups): Promise<void> {
  const cgroup = `/crib-probe-${id}`;
  await cgroups.kill(cgroup);
  await cgroups.remove(cgroup);
  removeCopies(directory);
  for (const mountPoint of MOUNT_POINTS) unmountIfMounted(path.join(directory, mountPoint));
  await fs.rm(directory, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoName(error) !== 'ESRCH';
  }
}

async function probeSpec(directory: string, id: string): Promise<ProbeSpec> {
  const mounts: Record<string, unknown>[] = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    // crun makes the default devices and, unlike runc, not the directory that they lie in.
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
  ];
  for (const name of SYSTEM_DIRECTORIES) {
    const source = `/${name}`;
    const link = await fs.readlink(source).catch(() => undefined);
    if (link !== undefined) await fs.symlink(link, path.join(directory, 'rootfs', name));
    else if (await isDirectory(source)) {
      mounts.push({ destination: source, type: 'bind', source, options: ['rbind', 'ro', 'rprivate'] });
    }
  }
  return {
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: (await systemCommand('true')) ?? [process.execPath, '--version'],
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    hostname: 'probe',
    mounts,
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: 'rwm' }] },
    },
  };
}

/** A program of the host's as its directories have it in the container, a multi-call binary by its name; undefined: none. */
export async function systemCommand(name: string): Promise<string[] | undefined> {
  for (const directory of ['/usr/bin', '/bin', '/run/current-system/sw/bin']) {
    const real = await fs.realpath(path.join(directory, name)).catch(() => undefined);
    if (real === undefined) continue;
    return path.basename(real) === name ? [real] : [real, name];
  }
  return undefined;
}

async function isDirectory(candidate: string): Promise<boolean> {
  return (await fs.lstat(candidate).catch(() => undefined))?.isDirectory() ?? false;
}
