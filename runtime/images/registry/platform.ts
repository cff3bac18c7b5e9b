/** Which manifest of an index fits this host, by containerd's rules (github.com/containerd/platforms). */

import { CribError } from '../../errors.js';
import type { Descriptor } from '../registry-types.js';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Go's names, which images use, for Node's. */
const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  mipsel: 'mipsle',
  ppc64: 'ppc64le',
};

const ARCHITECTURE_ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  i386: ['386'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
};

/** What images must be built for to run here. */
export function hostPlatform(): Platform {
  const architecture = NODE_ARCHITECTURES[process.arch] ?? process.arch;
  return { os: 'linux', architecture };
}

/**
 * The first manifest for the exact platform, else for the nearest one that this CPU also runs (amd64 runs 386, a
 * later arm runs the earlier ones, arm64 runs arm). A manifest without a platform is the last resort. Throws NOT_FOUND
 * with the platforms that the index offers.
 */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = manifests.filter((manifest) => !isAttestation(manifest));
  for (const candidate of compatible(normalise(wanted))) {
    const match = images.find(({ platform }) => platform !== undefined && sameKey(normalise(platform), candidate));
    if (match !== undefined) return match;
  }
  const unspecified = images.find(({ platform }) => platform === undefined);
  if (unspecified !== undefined) return unspecified;
  const offered = images.flatMap(({ platform }) => (platform === undefined ? [] : [format(platform)])).slice(0, 30);
  throw new CribError(
    'NOT_FOUND',
    `the image has no manifest for ${format(wanted)}; it offers ${offered.length === 0 ? 'none' : offered.join(', ')}`,
  );
}

/** BuildKit hangs provenance into the index as manifests for a platform that no host has. */
function isAttestation({ platform, annotations }: Descriptor): boolean {
  if (annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') return true;
  return platform?.os === 'unknown' && platform.architecture === 'unknown';
}

interface Key {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

/** arm64 is v8, amd64 is v1 and arm is v7 where an image does not say. */
function normalise({ os, architecture, variant = '' }: Platform): Key {
  const lower = architecture.toLowerCase();
  const alias = Object.hasOwn(ARCHITECTURE_ALIASES, lower) ? ARCHITECTURE_ALIASES[lower] : undefined;
  const name = alias?.[0] ?? lower;
  const given = (variant === '' ? (alias?.[1] ?? '') : variant).toLowerCase();
  const version = /^[0-9]/.test(given) ? `v${given}` : given;
  const defaults: Readonly<Record<string, string>> = { arm64: 'v8', amd64: 'v1', arm: 'v7' };
  return { os: os.toLowerCase(), architecture: name, variant: version === '' ? (defaults[name] ?? '') : version };
}

/** From the exact platform to the least that this CPU runs. */
function compatible(exact: Key): Key[] {
  const keys = [exact];
  const add = (architecture: string, variant: string): void => {
    keys.push({ os: exact.os, architecture, variant });
  };
  const version = Number.parseInt(exact.variant.replace(/^v/, ''), 10);
  if (exact.architecture === 'amd64') {
    for (let level = version - 1; level >= 1; level--) add('amd64', `v${level}`);
    add('386', '');
  }
  if (exact.architecture === 'arm64') {
    for (let level = version - 1; level >= 8; level--) add('arm64', `v${level}`);
    for (const variant of ['v8', 'v7', 'v6', 'v5']) add('arm', variant);
  }
  if (exact.architecture === 'arm') {
    for (let level = version - 1; level >= 5; level--) add('arm', `v${level}`);
  }
  return keys;
}

function sameKey(one: Key, other: Key): boolean {
  return one.os === other.os && one.architecture === other.architecture && one.variant === other.variant;
}

function format({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/').slice(0, 80);
}
