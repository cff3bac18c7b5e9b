/**
 * Volumes: each mount of a container is recognised by what the host says about its source, routed by what the sandbox
 * can do, and resolved to what the OCI runtime mounts. Every decision keeps its reason, which `crib inspect` shows.
 */

import path from 'node:path';
import { attempting, CribError } from '../runtime/errors.js';
import type { ResolvedMount } from '../runtime/spec/types.js';
import { decide, isIdMapped } from './decide.js';
import { checkDestination } from './destination.js';
import { gatherFacts, type SourceFacts } from './facts.js';
import { type MadeDirectory, makeSource, takeAway } from './made-directories.js';
import { isReadOnlyMount, keptFlags } from './mount-flags.js';
import { Mounts } from './mount-table.js';
import { makeNestedMountPoint, type Parent, parentOf } from './nested.js';
import { mountOverVolume } from './overlay.js';
import { mountIdMapped, releaseOwned } from './owned.js';
import { checkPropagation } from './propagation.js';
import { relabel } from './relabel.js';
import { submountsOf } from './submounts.js';
import { hasEmptyTmp, TMP_VOLUME, wantsTmp } from './tmp.js';
import type { MountFacts, PreparedVolume, PrepareVolumes, VolumeContext, VolumeDecision } from './types.js';
import { type CheckedMount, checkMounts } from './validate.js';
import { mountIfVerified } from './verity/verified-volume.js';

/** A mount with what is known of its source, and its place among the others. */
interface Source extends SourceFacts {
  readonly checked: CheckedMount;
}

/** What all mounts of one request share. */
interface Request {
  readonly context: VolumeContext;
  readonly mounts: Mounts;
  readonly destinations: readonly string[];
  /** Directories of the pod's volumes that this container mounts parts of. */
  readonly inParts: ReadonlySet<string>;
}

/**
 * Prepares the mounts of one container, parents before children. A missing source is made as a directory, as the other
 * runtimes do for hostPath; where a later mount is refused, it is taken away again.
 */
export const prepareVolumes: PrepareVolumes = async (mounts, context) => {
  const checked = checkMounts(mounts, context.capabilities);
  const lookup = new Mounts();
  const made: MadeDirectory[] = [];
  try {
    const sources: Source[] = [];
    for (const mount of checked) sources.push(await sourceOf(mount, context, lookup, made));
    const destinations = checked.map(({ containerPath }) => containerPath);
    const request = { context, mounts: lookup, destinations, inParts: partsOf(sources) };
    const prepared: PreparedVolume[] = [];
    const parents: Parent[] = [];
    for (const [index, source] of sources.entries()) {
      const volume = await prepareOne(source, index, request);
      const { facts, checked: asked } = source;
      if (!context.capabilities.guest) makeNestedMountPoint(facts, parentOf(facts.containerPath, parents), asked.field);
      parents.push({ facts, readonly: volume.decision.readonly });
      prepared.push(volume);
    }
    const ownTmp = wantsTmp(context.policy, destinations) && context.rootfs !== '' && hasEmptyTmp(context.rootfs);
    return ownTmp ? [...prepared, TMP_VOLUME] : prepared;
  } catch (error) {
    releaseOwned(context.owned);
    for (const directory of made.reverse()) await takeAway(directory);
    throw error;
  }
};

async function sourceOf(
  checked: CheckedMount,
  context: VolumeContext,
  mounts: Mounts,
  made: MadeDirectory[],
): Promise<Source> {
  const { containerPath, hostPath, field } = checked;
  try {
    let source = await gatherFacts(hostPath, containerPath, mounts, context);
    if (source.facts.type === 'missing') {
      made.push(await makeSource(hostPath));
      source = await gatherFacts(hostPath, containerPath, mounts, context);
    }
    return { ...source, checked };
  } catch (error) {
    throw attempting(`${field}.host_path`, error);
  }
}

function partsOf(sources: readonly Source[]): Set<string> {
  const volumes = sources.flatMap(({ facts: { volume } }) => (volume === undefined ? [] : [volume]));
  return new Set(volumes.filter(({ subPath }) => subPath !== '').map(({ directory }) => directory));
}

async function prepareOne(source: Source, index: number, request: Request): Promise<PreparedVolume> {
  const { facts, mount, checked } = source;
  const { config, containerPath, field } = checked;
  const { context } = request;
  const decision = await decide(config, facts, context, request.inParts);
  if (decision.route === 'refused') {
    throw new CribError('FAILED_PRECONDITION', `${field}: ${checked.hostPath} is refused: ${decision.reason}`);
  }
  if (decision.route === 'skipped') return { decision, mount: undefined };
  checkPropagation(config, facts, mount, field);
  await checkDestination(context.rootfs, containerPath, facts.type === 'directory', request.destinations, field);
  if (config.selinuxRelabel && context.label !== '') await relabelVolume(checked, facts, context.label);
  const direct = resolve(source, decision);
  const target = path.join(context.owned, String(index));
  const verified = await mountIfVerified(checked, facts, decision, direct, target, context);
  if (verified !== undefined) return verified;
  const resolved = await ownMount(source, decision, direct, index, request);
  const wanted = context.withoutSubmounts && decision.overlay !== true;
  const submounts = wanted ? submountsOf(resolved, facts.realPath, await request.mounts.table()) : [];
  return { decision, mount: resolved, submounts };
}

const PROPAGATION = { private: 'rprivate', 'host-to-container': 'rslave', bidirectional: 'rshared' };

function resolve({ facts, mount, checked: { config } }: Source, decision: VolumeDecision): ResolvedMount {
  const readonly = decision.readonly || (isReadOnlyMount(mount) && decision.overlay !== true);
  const options = ['rbind', PROPAGATION[config.propagation], readonly ? 'ro' : 'rw', ...keptFlags(mount)];
  if (config.recursiveReadOnly) options.push('rro');
  return { destination: facts.containerPath, type: 'bind', source: facts.realPath, options };
}

async function relabelVolume({ field }: CheckedMount, { realPath }: MountFacts, label: string): Promise<void> {
  try {
    await relabel(realPath, label);
  } catch (error) {
    throw attempting(`${field}.selinux_relabel`, error);
  }
}

/** The same mount from a path of crib's own, where what the OCI runtime cannot make itself is mounted. */
async function ownMount(
  { checked, mount: found }: Source,
  decision: VolumeDecision,
  mount: ResolvedMount,
  index: number,
  { context, mounts }: Request,
): Promise<ResolvedMount> {
  const { config, field } = checked;
  const target = path.join(context.owned, String(index));
  if (decision.overlay === true) {
    const place = { target, layer: path.join(context.overlays, String(index)) };
    await mountOverVolume(mount.source, place, config, await mounts.table(), field);
    return { ...mount, source: target };
  }
  if (!isIdMapped(config)) return mount;
  const mappings = { uids: config.uidMappings, gids: config.gidMappings };
  try {
    mountIdMapped(mount.source, target, mappings, config.propagation);
  } catch (error) {
    throw attempting(`${field}.uidMappings: host path on ${found?.fsType ?? 'an unknown file system'}`, error);
  }
  return { ...mount, source: target };
}
