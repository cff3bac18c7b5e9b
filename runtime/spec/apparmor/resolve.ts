/** Which AppArmor profile a container runs in (CRI SecurityProfile), made sure to be loaded before it is named to the runtime. */

import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { ContainerSecurity } from '../../containers/config.js';
import { CribError, messageOf } from '../../errors.js';
import { errnoName } from '../../linux/libc.js';
import { checkText, invalid } from '../checks.js';
import type { HostFacts } from '../types.js';
import { DEFAULT_PROFILE, defaultProfile, INCLUDES } from './default.js';

const FIELD = 'config.linux.security_context.apparmor';
const LOAD_TIMEOUT_MS = 10_000;

/** The kernel's side of AppArmor, as far as crib needs it. */
export interface ApparmorKernel {
  /** Text of /sys/kernel/security/apparmor/profiles: lines of `name (mode)`. */
  profiles(): Promise<string>;
  /** Loads the text of a profile. Throws ENOENT where there is no parser. */
  load(text: string): Promise<void>;
}

/**
 * process.apparmorProfile; undefined: none. A client that names no profile gets the default one where that can be loaded
 * (Kubernetes #51746), a privileged container only one by name. Throws FAILED_PRECONDITION for a profile that was asked
 * for and that this host does not have: never silently without.
 */
export async function resolveApparmor(
  security: ContainerSecurity,
  host: HostFacts,
  kernel: ApparmorKernel = KERNEL,
): Promise<string | undefined> {
  const { apparmor, privileged } = security;
  if (apparmor?.type === 'unconfined') return undefined;
  if (apparmor?.type === 'localhost') return localhost(apparmor.localhostRef, host, kernel);
  if (privileged) return undefined;
  const isAsked = apparmor !== undefined;
  if (!host.apparmor) {
    if (!isAsked) return undefined;
    throw new CribError('FAILED_PRECONDITION', `${FIELD}: the default profile: this host has no AppArmor`);
  }
  return byDefault(isAsked, kernel);
}

async function localhost(reference: string, host: HostFacts, kernel: ApparmorKernel): Promise<string> {
  const name = checkText(`${FIELD}.localhost_ref`, reference.replace(/^localhost\//, ''));
  if (name === '') throw invalid(`${FIELD}.localhost_ref`, 'is empty: it names a loaded profile');
  if (!host.apparmor) {
    throw new CribError('FAILED_PRECONDITION', `${FIELD}: profile ${name}: this host has no AppArmor`);
  }
  if (await isLoaded(name, kernel)) return name;
  throw new CribError('FAILED_PRECONDITION', `${FIELD}: profile ${name} is not loaded; load it with apparmor_parser`);
}

/** Loads crib's own profile unless it is there. Without a parser only a client that asked for it is refused. */
async function byDefault(isAsked: boolean, kernel: ApparmorKernel): Promise<string | undefined> {
  if (await isLoaded(DEFAULT_PROFILE, kernel)) return DEFAULT_PROFILE;
  try {
    await kernel.load(defaultProfile(await profileFacts()));
    return DEFAULT_PROFILE;
  } catch (error) {
    const noParser = errnoName(error) === 'ENOENT';
    if (noParser && !isAsked) return undefined;
    const why = noParser ? 'apparmor_parser is missing; install the package apparmor' : messageOf(error);
    throw new CribError('FAILED_PRECONDITION', `${FIELD}: loading profile ${DEFAULT_PROFILE}: ${why}`, {
      cause: error,
    });
  }
}

async function isLoaded(name: string, kernel: ApparmorKernel): Promise<boolean> {
  try {
    const lines = (await kernel.profiles()).split('\n');
    return lines.some((line) => line.startsWith(`${name} (`));
  } catch (error) {
    throw new CribError('FAILED_PRECONDITION', `${FIELD}: reading the loaded profiles: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function profileFacts() {
  const current = await fs.readFile('/proc/self/attr/current', 'utf8').catch(() => '');
  const there = await Promise.all(
    INCLUDES.map((name) =>
      fs.access(path.join('/etc/apparmor.d', name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return {
    own: current.trim().split(' ')[0] || 'unconfined',
    includes: INCLUDES.filter((_, index) => there[index]),
  };
}

const KERNEL: ApparmorKernel = {
  profiles: () => fs.readFile('/sys/kernel/security/apparmor/profiles', 'utf8'),
  load: (text) =>
    new Promise((resolve, reject) => {
      const env = { PATH: '/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin' };
      const options = { env, timeout: LOAD_TIMEOUT_MS, maxBuffer: 1 << 20 };
      const child = execFile('apparmor_parser', ['--replace', '--skip-cache'], options, (error, _, stderr) => {
        if (error === null) resolve();
        else reject(errnoName(error) === 'ENOENT' ? error : new Error(stderr.trim() || error.message));
      });
      child.stdin?.on('error', () => undefined); // EPIPE: it says why by its exit
      child.stdin?.end(text);
    }),
};
