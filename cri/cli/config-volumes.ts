/** `[volumes.HANDLER]` of the configuration: where the volumes of one handler's pods go. */

import { isVolumeKind, isVolumeRoute } from '../../volumes/policy.js';
import {
  VOLUME_KINDS,
  VOLUME_ROUTES,
  type VolumeKind,
  type VolumePolicy,
  type VolumeRoute,
} from '../../volumes/types.js';

/** What the file says; everything else is as the handler's sandbox has it by itself. */
export type ConfiguredPolicy = Partial<VolumePolicy>;

type Reader = (value: unknown, field: string) => ConfiguredPolicy;

/** The keys beside those that are a kind and set its route. */
const KEYS: Readonly<Record<string, Reader>> = {
  annotations: (value, field) => ({ annotations: kinds(value, field) }),
  overlay: (value, field) => ({ overlay: kinds(value, field) }),
  copy_max_bytes: (value, field) => ({ copyMaxBytes: count(value, field) }),
  copy_max_files: (value, field) => ({ copyMaxFiles: count(value, field) }),
  verity_copy_max_bytes: (value, field) => ({ verityCopyMaxBytes: count(value, field) }),
  tmp: (value, field) => ({ tmp: tmp(value, field) }),
};

/** The names in a handler's table, KIND standing for each kind. A test holds docs/configuration.md to them. */
export const VOLUME_POLICY_KEYS: readonly string[] = ['KIND', ...Object.keys(KEYS)];

/** Throws an Error naming the field (`volumes.gvisor.emptydir`) for an unknown key, kind, route or a wrong type. */
export function readVolumePolicy(table: Readonly<Record<string, unknown>>, field: string): ConfiguredPolicy {
  let policy: ConfiguredPolicy = {};
  const routes: Partial<Record<VolumeKind, VolumeRoute>> = {};
  for (const [key, value] of Object.entries(table)) {
    const name = `${field}.${key}`;
    const read = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (read !== undefined) policy = { ...policy, ...read(value, name) };
    else if (isVolumeKind(key)) routes[key] = route(value, name);
    else throw new Error(`unknown key ${name}; there are: ${[...Object.keys(KEYS), ...VOLUME_KINDS].join(', ')}`);
  }
  return Object.keys(routes).length === 0 ? policy : { ...policy, routes };
}

/** The table that would give `policy`. */
export function volumePolicyTable(policy: ConfiguredPolicy): Record<string, string | string[] | number> {
  const { routes, annotations, overlay, copyMaxBytes, copyMaxFiles, verityCopyMaxBytes, tmp: ownTmp } = policy;
  return {
    ...routes,
    ...(annotations === undefined ? {} : { annotations: [...annotations] }),
    ...(overlay === undefined ? {} : { overlay: [...overlay] }),
    ...(copyMaxBytes === undefined ? {} : { copy_max_bytes: copyMaxBytes }),
    ...(copyMaxFiles === undefined ? {} : { copy_max_files: copyMaxFiles }),
    ...(verityCopyMaxBytes === undefined ? {} : { verity_copy_max_bytes: verityCopyMaxBytes }),
    ...(ownTmp === undefined ? {} : { tmp: ownTmp }),
  };
}

function route(value: unknown, field: string): VolumeRoute {
  if (typeof value === 'string' && isVolumeRoute(value)) return value;
  throw new Error(`${field} must be one of ${VOLUME_ROUTES.join(', ')}`);
}

function kinds(value: unknown, field: string): VolumeKind[] {
  const list: unknown[] = Array.isArray(value) ? value : [undefined];
  return list.map((entry) => {
    if (typeof entry === 'string' && isVolumeKind(entry)) return entry;
    throw new Error(`${field} must be a list of volume kinds: ${VOLUME_KINDS.join(', ')}`);
  });
}

function count(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${field} must be a whole number`);
}

function tmp(value: unknown, field: string): VolumePolicy['tmp'] {
  if (value === 'tmpfs' || value === 'image') return value;
  throw new Error(`${field} must be tmpfs or image`);
}
