/** gVisor's runtime: whether it runs sandboxes on this host, on which platform, and with which help. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { createCgroups } from '../cgroups/cgroups.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { cacheKey, versionOf } from './discover.js';
import { NO_FEATURES } from './feature-trials.js';
import type { RuntimeFacts } from './oci-runtime.js';
import { type ProbeSpec, probeRuntime, removeStaleProbes, type Trial } from './probe.js';

/** Fastest first. kvm is tried only when it is asked for: on some hosts a sandbox on it hangs for ever. */
const PLATFORMS = ['systrap', 'ptrace'];

export interface RunscFacts {
  readonly path: string;
  readonly version: string;
  /** The one that a sandbox ran on; empty: none did. */
  readonly platform: string;
  /** Sandboxes need hidingCoreSysctls here. */
  readonly hideCoreSysctls: boolean;
  /** Why no sandbox ran; empty where one did. */
  readonly reason: string;
}

export interface RunscOptions {
  /** Where the outcome is kept, so that a restart does not pay for the trial again. On the file system of the images. */
  readonly stateDir: string;
  /** The only platform to try; empty: whichever works. */
  readonly platform: string;
  readonly log: Log;
}

/** The outcome of an earlier trial of the same file on the same kernel; undefined: it is to be tried. */
export async function knownRunsc(file: string, options: RunscOptions): Promise<RunscFacts | undefined> {
  try {
    const record: unknown = JSON.parse(await fs.readFile(recordFile(options), 'utf8'));
    const key = await keyOf(file, options);
    return isRecord(record) && record.key === key ? { ...record.facts, path: file, reason: '' } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `true` in a sandbox with a network, on one platform after the other until one works. Takes a second; never
 * throws. Only success is kept: what mends a failure may be outside of the key.
 */
export async function tryRunsc(file: string, options: RunscOptions): Promise<RunscFacts> {
  const failures: string[] = [];
  const untried = { path: file, version: await versionOf(file), platform: '', hideCoreSysctls: false, reason: '' };
  for (const platform of options.platform === '' ? PLATFORMS : [options.platform]) {
    for (const hideCoreSysctls of [false, true]) {
      const facts = { ...untried, platform, hideCoreSysctls };
      const failure = await probe(facts, options.stateDir).catch(messageOf);
      if (failure === undefined) {
        await keep(facts, options).catch((error: unknown) => {
          options.log.warn({ error: messageOf(error) }, 'what a trial of runsc came to could not be kept');
        });
        return facts;
      }
      if (hideCoreSysctls || !failure.includes('in root network namespace')) {
        failures.push(`${platform}: ${failure}`);
        break;
      }
    }
  }
  const reason = failures.join('; ');
  options.log.warn({ runtime: file, reason }, 'runsc does not work on this host');
  return { ...untried, reason };
}

/**
 * `argv` with /proc/sys/net/core hidden from it, in the network namespace that `enter` takes it to: runsc of July 2024
 * takes every one that has rmem_default in it for the host's, and since Linux 6.9 all have (gVisor issue 10704). What
 * runsc starts has mount namespaces of its own.
 */
export function hidingCoreSysctls(argv: readonly string[], enter: readonly string[]): string[] {
  const hide = 'mount -n -t tmpfs none /proc/sys/net/core && exec "$@"';
  return [...enter, 'unshare', '--mount', '--propagation=slave', 'sh', '-c', hide, 'sh', ...argv];
}

async function probe(facts: RunscFacts, stateDir: string): Promise<string | undefined> {
  const cgroups = await createCgroups();
  await fs.mkdir(stateDir, { recursive: true, mode: 0o711 });
  await removeStaleProbes(stateDir, cgroups);
  const runtime: RuntimeFacts = { ...facts, name: 'runsc', works: true, features: NO_FEATURES };
  return probeRuntime(runtime, stateDir, cgroups, sandboxTrial(facts));
}

function sandboxTrial({ platform, hideCoreSysctls }: RunscFacts): Trial {
  const enter = ['unshare', '--net'];
  return {
    options: [`--platform=${platform}`, '--network=sandbox'],
    wrap: (argv) => (hideCoreSysctls ? hidingCoreSysctls(argv, enter) : [...enter, ...argv]),
    async prepare(spec: ProbeSpec): Promise<void> {
      const own = { type: 'network', path: '/proc/self/ns/net' };
      spec.linux = { ...spec.linux, namespaces: [{ type: 'pid' }, { type: 'mount' }, own] };
    },
    check(): void {},
  };
}

async function keep({ version, platform, hideCoreSysctls, path: file }: RunscFacts, options: RunscOptions) {
  const record = { key: await keyOf(file, options), facts: { version, platform, hideCoreSysctls } };
  const temporary = `${recordFile(options)}.${process.pid}.tmp`;
  await fs.writeFile(temporary, JSON.stringify(record), { mode: 0o600 });
  await fs.rename(temporary, recordFile(options));
}

async function keyOf(file: string, { platform, stateDir }: RunscOptions): Promise<string> {
  return JSON.stringify([await cacheKey(file, stateDir), platform]);
}

function recordFile({ stateDir }: RunscOptions): string {
  return path.join(stateDir, 'runsc.json');
}

interface RunscRecord {
  readonly key: string;
  readonly facts: Pick<RunscFacts, 'version' | 'platform' | 'hideCoreSysctls'>;
}

function isRecord(value: unknown): value is RunscRecord {
  if (typeof value !== 'object' || value === null || !('key' in value) || !('facts' in value)) return false;
  const { facts } = value;
  if (typeof facts !== 'object' || facts === null) return false;
  if (!('version' in facts) || !('platform' in facts) || !('hideCoreSysctls' in facts)) return false;
  return (
    typeof value.key === 'string' &&
    typeof facts.version === 'string' &&
    typeof facts.platform === 'string' &&
    typeof facts.hideCoreSysctls === 'boolean'
  );
}
