/** The volumes of a container that a pod's annotations want checked, among the others. */

import fs from 'node:fs';
import { idMap } from '../../runtime/containers/id-mapped-layers.js';
import { attempting, CribError } from '../../runtime/errors.js';
import type { ResolvedMount } from '../../runtime/spec/types.js';
import { attachOwned } from '../owned.js';
import { subPathVolume } from '../pod-volume.js';
import type { MountFacts, PreparedVolume, VolumeContext, VolumeDecision } from '../types.js';
import type { CheckedMount } from '../validate.js';
import { type VerityRequest, verityOf } from './request.js';
import { type VerifiedTree, VerityError, verify } from './verified-mount.js';

export function isVerified(facts: MountFacts, context: VolumeContext): boolean {
  return requestFor(facts, context) !== undefined;
}

/**
 * Checks the volume and mounts it at `target`, a path of crib's own; undefined where nobody wants it checked. Throws
 * VerityError (as a cause) where it is not what it should be, FAILED_PRECONDITION for a mount that cannot be verified:
 * writable, kept in the sandbox, or one that takes mounts from the host later.
 */
export async function mountIfVerified(
  { config, field }: CheckedMount,
  facts: MountFacts,
  decision: VolumeDecision,
  mount: ResolvedMount,
  target: string,
  context: VolumeContext,
): Promise<PreparedVolume | undefined> {
  const request = requestFor(facts, context);
  if (request === undefined) return undefined;
  try {
    if (!decision.readonly) throw refused('it is mounted writable; a verified one is mounted read-only');
    if (decision.route !== 'bind' && decision.route !== 'host-shared') {
      throw refused(`its route is ${decision.route}; a verified one comes from the host`);
    }
    if (config.propagation !== 'private') throw refused('what the host mounts in it later would not be verified');
    const { copyMaxBytes, signal } = { copyMaxBytes: context.policy.verityCopyMaxBytes, signal: context.signal };
    const verified = await verify(facts.realPath, request, { copyMaxBytes, signal });
    try {
      const mappings = { uids: config.uidMappings, gids: config.gidMappings };
      if (config.uidMappings.length > 0) idMap(verified.tree, facts.realPath, mappings);
      attachOwned(verified.tree, target);
    } finally {
      fs.closeSync(verified.tree);
    }
    const options = [...mount.options, 'nosuid', 'nodev'];
    return { decision: decided(decision, request, verified), mount: { ...mount, source: target, options } };
  } catch (error) {
    throw attempting(`${field}: verifying the volume "${request.name}" (${facts.realPath})`, error);
  }
}

/** The failed check among the causes of `error`. */
export function verityErrorIn(error: unknown): VerityError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof VerityError) return cause;
  return undefined;
}

function requestFor(
  { containerPath, realPath, volume }: MountFacts,
  { verity = [], podUid }: VolumeContext,
): VerityRequest | undefined {
  if (verity.length === 0) return undefined;
  return verityOf(verity, containerPath, volume?.name ?? subPathVolume(realPath, podUid));
}

const HELD = {
  watch: ', and are checked again when they change',
  check: '',
  copy: ', and a copy of what was checked is mounted',
};

function decided(decision: VolumeDecision, request: VerityRequest, found: VerifiedTree): VolumeDecision {
  const { rootHash, files, byKernel, watched } = found;
  const kernel = byKernel > 0 ? ` (${byKernel} by the kernel)` : '';
  const checked = `its ${files} files were checked to have the root hash when it was mounted${kernel}`;
  const reason = `${decision.reason}; ${checked}${HELD[request.hold]}`;
  return {
    ...decision,
    reason,
    verified: rootHash,
    ...(watched === undefined ? {} : { watched: { ...watched, request } }),
  };
}

function refused(why: string): CribError {
  return new CribError('FAILED_PRECONDITION', why);
}
