/** What a request may ask of its mounts (CRI Mount), before anything is looked at on the host. */

import path from 'node:path';
import type { MountConfig } from '../runtime/containers/config.js';
import { checkIdMappings } from '../runtime/containers/id-mappings.js';
import { CribError } from '../runtime/errors.js';
import type { SandboxCapabilities } from './types.js';

/** A mount with its paths in normal form: absolute, no `.`, `..`, doubled or trailing slash. */
export interface CheckedMount {
  readonly config: MountConfig;
  readonly containerPath: string;
  readonly hostPath: string;
  /** `config.mounts[3]`, as error messages name it. */
  readonly field: string;
}

/**
 * Checks every mount and puts parents before children. Throws INVALID_ARGUMENT naming the field for a relative path, a
 * destination used twice, or recursive_read_only without readonly or with propagation; FAILED_PRECONDITION for what the
 * sandbox cannot do.
 */
export function checkMounts(mounts: readonly MountConfig[], capabilities: SandboxCapabilities): CheckedMount[] {
  const checked = mounts.map((config, index) => {
    const field = `config.mounts[${index}]`;
    const containerPath = normalise(config.containerPath, `${field}.container_path`);
    if (containerPath === '/') throw invalid(`${field}.container_path`, 'nothing can be mounted over / of a container');
    checkRequest(config, field, capabilities);
    return { config, containerPath, hostPath: hostPathOf(config, field), field };
  });
  refuseDuplicates(checked);
  return checked.sort((a, b) => depth(a.containerPath) - depth(b.containerPath));
}

function hostPathOf(config: MountConfig, field: string): string {
  if (config.hostPath !== '') return normalise(config.hostPath, `${field}.host_path`);
  throw invalid(`${field}.host_path`, 'it is empty');
}

/** The kernel resolves `a/..` through symlinks, a string does not: in a source `..` is refused rather than guessed. */
function normalise(value: string, field: string): string {
  if (!value.startsWith('/')) throw invalid(field, `"${value.slice(0, 256)}" is not an absolute path`);
  if (value.includes('\0')) throw invalid(field, 'it has a NUL character');
  if (Buffer.byteLength(value) > 4095) throw invalid(field, 'it is longer than 4095 bytes');
  if (field.endsWith('host_path') && value.split('/').includes('..')) return value;
  const normal = path.posix.normalize(value);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function checkRequest(config: MountConfig, field: string, capabilities: SandboxCapabilities): void {
  if (config.recursiveReadOnly) {
    if (!config.readonly) throw invalid(`${field}.recursive_read_only`, 'it needs readonly to be set as well');
    if (config.propagation !== 'private') {
      throw invalid(`${field}.recursive_read_only`, `it needs PROPAGATION_PRIVATE, not ${config.propagation}`);
    }
    if (!capabilities.recursiveReadOnly) {
      throw unable(`${field}.recursive_read_only`, 'the OCI runtime or the kernel of this sandbox cannot do it');
    }
  }
  if (config.propagation === 'bidirectional' && !capabilities.bidirectionalPropagation) {
    throw unable(`${field}.propagation`, 'this sandbox cannot pass mounts on to the host');
  }
  if (config.uidMappings.length > 0 || config.gidMappings.length > 0) {
    checkIdMappings({ uids: config.uidMappings, gids: config.gidMappings }, field, ['uidMappings', 'gidMappings']);
    if (!capabilities.idmap) throw unable(`${field}.uidMappings`, `no id-mapped mounts: ${capabilities.idmapObstacle}`);
  }
}

function refuseDuplicates(mounts: readonly CheckedMount[]): void {
  const seen = new Map<string, string>();
  for (const { containerPath, field } of mounts) {
    const other = seen.get(containerPath);
    if (other !== undefined) throw invalid(`${field}.container_path`, `${containerPath} is also that of ${other}`);
    seen.set(containerPath, field);
  }
}

function depth(containerPath: string): number {
  return containerPath.split('/').length;
}

function invalid(field: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `${field}: ${why}`);
}

function unable(field: string, why: string): CribError {
  return new CribError('FAILED_PRECONDITION', `${field}: ${why}`);
}
