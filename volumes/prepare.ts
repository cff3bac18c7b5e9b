/**
 * Volumes: each mount of a container is recognised by what the host says about its source, routed by what the sandbox
 * can do, and resolved to what the OCI runtime mounts. Every decision keeps its reason, which `crib inspect` shows.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { MountConfig } from '../runtime/containers/config.js';
import { attempting, CribError, messageOf } from '../runtime/errors.js';
import type { MountInfo } from '../runtime/linux/mountinfo.js';
import type { ResolvedMount } from '../runtime/spec/types.js';
import { checkDestination } from './destination.js';
import { gatherFacts, type SourceFacts } from './facts.js';
import { MountTable } from './mount-table.js';
import { mountIdMapped, releaseOwned } from './owned.js';
import { KINDS } from './registry.js';
import { relabel } from './relabel.js';
import { submountsOf } from './submounts.js';
import type { MountFacts, PreparedVolume, PrepareVolumes, VolumeContext, VolumeDecision } from './types.js';
import { type CheckedMount, checkMounts } from './validate.js';

/**
 * Prepares the mounts of one container, parents before children. A missing source is made as a directory, as the other
 * runtimes do for hostPath; where a later mount is refused, it is taken away again.
 */
export const prepareVolumes: PrepareVolumes = async (mounts, context) => {
  const checked = checkMounts(mounts, context.capabilities);
  if (checked.length === 0) return [];
  const table = await MountTable.read();
  const made: MadeDirectory[] = [];
  try {
    const prepared: PreparedVolume[] = [];
    for (const mount of checked) prepared.push(await prepareOne(mount, checked, context, table, made));
    return prepared;
  } catch (error) {
    releaseOwned(context.owned);
    for (const directory of made.reverse()) await takeAway(directory);
    throw error;
  }
};

async function prepareOne(
  mount: CheckedMount,
  all: readonly CheckedMount[],
  context: VolumeContext,
  table: MountTable,
  made: MadeDirectory[],
): Promise<PreparedVolume> {
  const { config, containerPath, hostPath, field } = mount;
  let source: SourceFacts;
  try {
    source = await gatherFacts(hostPath, containerPath, table);
    if (source.facts.type === 'missing') {
      made.push(await makeDirectory(hostPath));
      source = await gatherFacts(hostPath, containerPath, table);
    }
  } catch (error) {
    throw attempting(`${field}.host_path`, error);
  }
  const { facts } = source;
  const decision = decide(config, facts, context);
  if (decision.route === 'refused') {
    throw new CribError('FAILED_PRECONDITION', `${field}: ${hostPath} is refused: ${decision.reason}`);
  }
  if (decision.route === 'skipped') return { decision, mount: undefined };
  checkPropagation(config, facts, source.mount, field);
  const isDirectory = facts.type === 'directory';
  const destinations = all.map((other) => other.containerPath);
  await checkDestination(context.rootfs, containerPath, isDirectory, destinations, field);
  if (config.selinuxRelabel && context.label !== '') await relabelVolume(mount, facts, context.label);
  const direct = resolve(config, facts, decision.readonly);
  const target = path.join(context.owned, String(all.indexOf(mount)));
  const resolved = isIdMapped(config) ? idMapped(mount, direct, source, target) : direct;
  const submounts = context.withoutSubmounts ? submountsOf(resolved, facts.realPath, table) : [];
  return { decision, mount: resolved, submounts };
}

function decide(config: MountConfig, facts: MountFacts, context: VolumeContext): VolumeDecision {
  const { kind, evidence } =
    config.image === undefined
      ? KINDS.recognise(facts, context)
      : { kind: KINDS.get('image'), evidence: `it is the image ${config.image.image}` };
  const { route, reason } = kind.route(facts, context.capabilities);
  return {
    containerPath: facts.containerPath,
    hostPath: facts.hostPath,
    kind: kind.kind,
    route,
    reason: `${evidence}; ${reason}${isIdMapped(config) ? ', with the ids of the container' : ''}`,
    readonly: config.readonly || config.image !== undefined,
  };
}

function resolve(config: MountConfig, facts: MountFacts, readonly: boolean): ResolvedMount {
  const propagation = { private: 'rprivate', 'host-to-container': 'rslave', bidirectional: 'rshared' };
  const options = ['rbind', propagation[config.propagation], readonly ? 'ro' : 'rw'];
  if (config.recursiveReadOnly) options.push('rro');
  // The mount has these already; a bind mount of it that does not say so would try to clear them.
  if (config.image !== undefined) options.push('noexec', 'nosuid', 'nodev');
  return { destination: facts.containerPath, type: 'bind', source: facts.realPath, options };
}

async function relabelVolume({ field }: CheckedMount, { realPath }: MountFacts, label: string): Promise<void> {
  try {
    await relabel(realPath, label);
  } catch (error) {
    throw attempting(`${field}.selinux_relabel`, error);
  }
}

/** An image's layers are id-mapped before they are merged: an overlay itself cannot be. */
function isIdMapped({ uidMappings, image }: MountConfig): boolean {
  return uidMappings.length > 0 && image === undefined;
}

/** The same mount from a path of crib's own, where its source is mounted with the ids that were asked for. */
function idMapped(
  { config, field }: CheckedMount,
  mount: ResolvedMount,
  { mount: found }: SourceFacts,
  target: string,
): ResolvedMount {
  const mappings = { uids: config.uidMappings, gids: config.gidMappings };
  try {
    mountIdMapped(mount.source, target, mappings, config.propagation);
  } catch (error) {
    throw attempting(`${field}.uidMappings: host path on ${found?.fsType ?? 'an unknown file system'}`, error);
  }
  return { ...mount, source: target };
}

/**
 * A bind mount receives what is mounted on the host later only where its source is shared or a slave, and passes mounts
 * on only where it is shared (mount_namespaces(7)). Otherwise the request would quietly do nothing.
 */
function checkPropagation(config: MountConfig, facts: MountFacts, mount: MountInfo | undefined, field: string): void {
  if (config.propagation === 'private') return;
  const isShared = mount?.tags.some((tag) => tag.startsWith('shared:')) ?? false;
  const isSlave = mount?.tags.some((tag) => tag.startsWith('master:')) ?? false;
  if (isShared || (isSlave && config.propagation === 'host-to-container')) return;
  const needed = config.propagation === 'bidirectional' ? 'a shared mount' : 'a shared or slave mount';
  throw new CribError(
    'FAILED_PRECONDITION',
    `${field}.propagation: path "${facts.realPath}" is mounted on "${facts.mountPoint}" but it is not ${needed}: run \`mount --make-rshared ${facts.mountPoint}\` on the host`,
  );
}

interface MadeDirectory {
  readonly directory: string;
  /** The topmost directory that was not there before. */
  readonly first: string;
}

async function makeDirectory(directory: string): Promise<MadeDirectory> {
  if (directory.split('/').includes('..')) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `${directory} does not exist, and is not made because it has ".." in it`,
    );
  }
  try {
    const first = await fs.mkdir(directory, { recursive: true, mode: 0o755 });
    return { directory, first: first ?? directory };
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `making the directory ${directory}: ${messageOf(cause)}`, { cause });
  }
}

/** Only what is still empty: somebody else may have begun to use it. */
async function takeAway({ directory, first }: MadeDirectory): Promise<void> {
  try {
    for (let current = directory; current.length >= first.length; current = path.dirname(current)) {
      await fs.rmdir(current);
    }
  } catch {
    // in use, or gone already
  }
}
