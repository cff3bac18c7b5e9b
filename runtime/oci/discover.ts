/** OCI runtimes: which are installed, which of them work on this host, and what they can do. */

import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createCgroups } from '../cgroups/cgroups.js';
import { findHierarchies } from '../cgroups/hierarchies.js';
import type { Cgroups } from '../cgroups/types.js';
import { requireReachable } from '../containers/reachable.js';
import { CribError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { RUNTIME_PATH } from './environment.js';
import { NO_FEATURES, tryFeatures } from './feature-trials.js';
import { OciRuntime, type RuntimeFacts } from './oci-runtime.js';
import { probeRuntime, removeStaleProbes } from './probe.js';
import { type ProbeRecord, readProbeCache, writeProbeCache } from './probe-cache.js';
import { runRuntime } from './run.js';

/** Fastest first: crun creates a container in half of runc's time. */
const KNOWN = ['crun', 'runc'];
const QUERY_LIMIT_MS = 5_000;

export interface DiscoverOptions {
  /** Name or absolute path of the runtime to be tried first. */
  readonly preferred?: string;
  /** Outcomes of trials are kept here, so that a restart does not pay for them again. On the file system of the images. */
  readonly stateDir: string;
  readonly log: Log;
}

/**
 * Finds crun and runc and tries each with a real container. The order is the order of preference; those that do not
 * work, and a preferred one that is not installed, are in the list with their reason.
 */
export async function discoverRuntimes(options: DiscoverOptions): Promise<OciRuntime[]> {
  const { stateDir, log } = options;
  await fs.mkdir(stateDir, { recursive: true, mode: 0o711 });
  const cgroups = await createCgroups();
  await removeStaleProbes(stateDir, cgroups);
  const names = [...new Set([...(options.preferred === undefined ? [] : [options.preferred]), ...KNOWN])];
  const runtimes: OciRuntime[] = [];
  for (const name of names) {
    const file = await findExecutable(name);
    if (file === undefined) {
      if (name !== options.preferred) continue;
      const { reason } = runtimes[runtimes.push(missing(name)) - 1] ?? {};
      log.warn({ runtime: name, reason }, 'the OCI runtime that is to be preferred is not here');
      continue;
    }
    if (runtimes.some((runtime) => runtime.path === file)) continue;
    const runtime = await examine(file, stateDir, cgroups);
    const { works, reason, features } = runtime;
    if (!works) log.warn({ runtime: file, reason }, 'OCI runtime does not work on this host');
    else if (!features.userNamespaces) {
      log.warn({ runtime: file, reason: features.userNamespaceObstacle }, 'no pods in user namespaces on this host');
    }
    runtimes.push(runtime);
  }
  return runtimes;
}

/** The first that works. Throws FAILED_PRECONDITION with the reason of each that does not. */
export function chooseRuntime(runtimes: readonly OciRuntime[]): OciRuntime {
  const chosen = runtimes.find((runtime) => runtime.works);
  if (chosen !== undefined) return chosen;
  const reasons = runtimes.map((runtime) => `${runtime.name}: ${runtime.reason}`).join('; ');
  const why = reasons === '' ? 'neither crun nor runc is installed (apt-get install crun)' : reasons;
  throw new CribError('FAILED_PRECONDITION', `no OCI runtime works on this host: ${why}`);
}

/** A program on the PATH or in the system's directories; one with a slash as it is. undefined: there is none. */
export async function findExecutable(name: string): Promise<string | undefined> {
  const directories = `${process.env.PATH ?? ''}:${RUNTIME_PATH}`.split(':');
  const candidates = name.includes('/')
    ? [path.resolve(name)]
    : directories.filter((directory) => directory.startsWith('/')).map((directory) => path.join(directory, name));
  for (const candidate of candidates) {
    try {
      await fs.access(candidate, constants.X_OK);
      if ((await fs.stat(candidate)).isFile()) return candidate;
    } catch {
      // not here: the next directory
    }
  }
  return undefined;
}

function missing(preferred: string): OciRuntime {
  const name = path.basename(preferred);
  const reason = `${preferred} is not an executable file here: install it, or name another one with --oci-runtime`;
  return new OciRuntime({ name, path: preferred, version: '', works: false, reason, features: NO_FEATURES });
}

async function examine(file: string, stateDir: string, cgroups: Cgroups): Promise<OciRuntime> {
  const name = path.basename(file);
  const key = await cacheKey(file, stateDir);
  const cached = await readProbeCache(stateDir, name, key);
  const record = cached ?? (await tryOut(file, name, key, stateDir, cgroups));
  if (cached === undefined && isSettled(record)) await writeProbeCache(stateDir, name, record);
  const { version, features, failure } = record;
  if (failure === '') return new OciRuntime({ name, path: file, version, features, works: true, reason: '' });
  const reason = `${failure}${await wayOut(failure)}`;
  return new OciRuntime({ name, path: file, version, features, works: false, reason });
}

async function tryOut(
  file: string,
  name: string,
  key: string,
  stateDir: string,
  cgroups: Cgroups,
): Promise<ProbeRecord> {
  const version = await versionOf(file);
  const untried: RuntimeFacts = { name, path: file, version, works: true, reason: '', features: NO_FEATURES };
  const failure = await probeRuntime(untried, stateDir, cgroups).catch(messageOf);
  if (failure !== undefined) return { key, version, features: NO_FEATURES, failure };
  return { key, version, features: await tryFeatures(untried, stateDir, cgroups), failure: '' };
}

/** Another try would end the same. Most failures may have passed by then: a full disk, a busy machine. */
function isSettled({ failure }: ProbeRecord): boolean {
  return failure === '' || isLayoutRefused(failure);
}

/** crun takes a hybrid of cgroup v1 and v2 only when v2 has no controllers; the layout of both is in the key. */
function isLayoutRefused(failure: string): boolean {
  return failure.includes('hybrid mode not supported');
}

/**
 * Another file, another kernel or another cgroup layout is another question; so is a directory that has been opened to
 * the users of user namespaces.
 */
export async function cacheKey(file: string, stateDir: string): Promise<string> {
  const { mtimeMs, size } = await fs.stat(file);
  const layout = findHierarchies(await fs.readFile('/proc/self/mountinfo', 'utf8'));
  const reachable = await requireReachable(stateDir).then(
    () => true,
    () => false,
  );
  const { version, controllers, unified } = layout;
  return JSON.stringify([file, mtimeMs, size, os.release(), version, [...controllers], unified, reachable]);
}

/** `runc version 1.1.5+ds1` is the first line of `--version`. */
export async function versionOf(file: string): Promise<string> {
  const text = await runRuntime([file, '--version'], QUERY_LIMIT_MS).catch(() => '');
  return /version\s+v?(\S+)/i.exec(text)?.[1] ?? '';
}

/** What mends the failures that are known; empty for all others. */
async function wayOut(failure: string): Promise<string> {
  if (!isLayoutRefused(failure)) return '';
  const { unified } = findHierarchies(await fs.readFile('/proc/self/mountinfo', 'utf8'));
  const text = await fs.readFile(`${unified}/cgroup.controllers`, 'utf8').catch(() => '');
  const commands = text
    .trim()
    .split(/\s+/)
    .map((name) => `mkdir -p /sys/fs/cgroup/${name} && mount -t cgroup -o ${name} cgroup /sys/fs/cgroup/${name}`);
  return `; it needs every controller on v1 or every one on v2. To mend it: ${commands.join('; ')}`;
}
