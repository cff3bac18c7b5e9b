/** From facts to a decision: the kind, what the pod's manifest adds to it, the route, and the reason for both. */

import fs from 'node:fs/promises';
import type { MountConfig } from '../runtime/containers/config.js';
import type { Kind } from './kind.js';
import { obstacleToGuest } from './obstacle.js';
import { KINDS } from './registry.js';
import { chooseRoute, type Settled } from './route.js';
import { notedSizeLimit } from './size-limit.js';
import type {
  DeclaredVolume,
  MountFacts,
  SandboxCapabilities,
  VolumeContext,
  VolumeDecision,
  VolumeRoute,
} from './types.js';

/** What serves a route where the sandbox does not say. */
const DRIVERS: Readonly<Record<VolumeRoute, string>> = {
  bind: 'bind mount',
  device: 'device node',
  'guest-local': 'kept in the sandbox',
  'host-shared': 'shared directory',
  skipped: 'none',
  refused: 'none',
};

interface Identified {
  readonly kind: Kind;
  readonly evidence: string;
  readonly sizeLimitBytes: number | undefined;
}

/**
 * Decides on one mount. `inParts` holds the directories of the pod's volumes that this container mounts parts of. Throws
 * FAILED_PRECONDITION naming the annotation that asks for what cannot be had.
 */
export async function decide(
  config: MountConfig,
  facts: MountFacts,
  context: VolumeContext,
  inParts: ReadonlySet<string>,
): Promise<VolumeDecision> {
  const { kind, evidence, sizeLimitBytes } = await identify(config, facts, context);
  const readonly = config.readonly || config.image !== undefined;
  const obstacle = obstacleToGuest(kind, facts, config, context);
  const settled = { ...settledFor(kind, facts, context, inParts), obstacle };
  const { route, reason } = chooseRoute(kind, facts, context, settled);
  const overlay = hasOverlay(kind, facts, route, readonly, context);
  const more = `${isIdMapped(config) ? ', with the ids of the container' : ''}${overlay ? '; writes go to a layer of the container' : ''}`;
  return {
    containerPath: facts.containerPath,
    hostPath: facts.hostPath,
    kind: kind.kind,
    route,
    reason: `${evidence}${facts.deleted ? ', which has been deleted' : ''}; ${reason}${more}`,
    readonly,
    driver: driverOf(route, overlay, context.capabilities),
    realPath: facts.realPath,
    ...(facts.volume === undefined ? {} : { volume: facts.volume }),
    ...(sizeLimitBytes === undefined ? {} : { sizeLimitBytes }),
    ...(overlay ? { overlay } : {}),
  };
}

/** An image's layers are id-mapped before they are merged: an overlay itself cannot be. */
export function isIdMapped({ uidMappings, image }: Pick<MountConfig, 'uidMappings' | 'image'>): boolean {
  return uidMappings.length > 0 && image === undefined;
}

async function identify(config: MountConfig, facts: MountFacts, context: VolumeContext): Promise<Identified> {
  if (config.image !== undefined) {
    return { kind: KINDS.get('image'), evidence: `it is the image ${config.image.image}`, sizeLimitBytes: undefined };
  }
  const { kind, evidence } = KINDS.recognise(facts, context);
  if (kind.kind === 'emptydir-memory') return { kind, evidence, sizeLimitBytes: await sizeOfTmpfs(facts) };
  const { volume } = facts;
  if (kind.kind !== 'emptydir' || volume === undefined) return { kind, evidence, sizeLimitBytes: undefined };
  const noted = { kind, evidence, sizeLimitBytes: notedSizeLimit(volume.directory) };
  // A kubelet notes nothing there; where the sandbox is the host, nobody asks the manifest.
  if (!context.capabilities.guest || noted.sizeLimitBytes !== undefined) return noted;
  return declared(kind, evidence, volume.name, await context.declared?.(volume.name));
}

/** What the manifest says wins over a path: its name alone makes no emptyDir. */
function declared(kind: Kind, evidence: string, name: string, volume: DeclaredVolume | undefined): Identified {
  if (volume === undefined) return { kind, evidence, sizeLimitBytes: undefined };
  if (volume.emptyDir === undefined) {
    const other = `the pod declares "${name}" as ${volume.type}, whatever its path looks like`;
    return { kind: KINDS.get('bind'), evidence: other, sizeLimitBytes: undefined };
  }
  const { medium, sizeLimitBytes } = volume.emptyDir;
  if (medium !== 'Memory') return { kind, evidence, sizeLimitBytes };
  return {
    kind: KINDS.get('emptydir-memory'),
    evidence: `the pod declares "${name}" with the medium Memory, though no tmpfs is mounted on its directory`,
    sizeLimitBytes,
  };
}

async function sizeOfTmpfs({ realPath }: MountFacts): Promise<number | undefined> {
  const { blocks, bsize } = await fs.statfs(realPath);
  return blocks === 0 ? undefined : blocks * bsize;
}

function settledFor(
  { readByAll }: Kind,
  { volume }: MountFacts,
  { earlier }: VolumeContext,
  inParts: ReadonlySet<string>,
): Omit<Settled, 'obstacle'> {
  if (volume === undefined || readByAll === true) return { route: undefined, inParts: false };
  const same = earlier.find((decision) => decision.volume?.directory === volume.directory);
  return { route: same?.route, inParts: inParts.has(volume.directory) };
}

/** A file gets none: a kubelet reads its termination log, and writes /etc/hosts anew. */
function hasOverlay(
  { kind }: Kind,
  { type }: MountFacts,
  route: VolumeRoute,
  readonly: boolean,
  { policy }: VolumeContext,
): boolean {
  const isMounted = route === 'bind' || route === 'host-shared';
  return isMounted && !readonly && type === 'directory' && policy.overlay.includes(kind);
}

function driverOf(route: VolumeRoute, overlay: boolean, { drivers }: SandboxCapabilities): string {
  const driver = drivers?.[route] ?? DRIVERS[route];
  return overlay ? `overlay, ${driver}` : driver;
}
