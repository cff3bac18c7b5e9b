/** What CDI devices change in a container's OCI specification. */

import fs from 'node:fs/promises';
import type { ContainerConfig } from '../containers/config.js';
import { CribError, messageOf } from '../errors.js';
import { splitDevice } from '../linux/files.js';
import type { Log } from '../log.js';
import type { ResolvedDevice, ResolvedMount, ResolvedUser, SpecInput } from '../spec/types.js';
import { requestedDevices } from './names.js';
import { editsFor, readRegistry } from './registry.js';
import type { CdiDeviceNode, CdiMount, ContainerEdits, HookName, OciHook } from './types.js';

export type OciHooks = Partial<Record<HookName, readonly OciHook[]>>;

export interface Injection {
  readonly env: readonly { readonly key: string; readonly value: string }[];
  readonly devices: readonly ResolvedDevice[];
  readonly mounts: readonly ResolvedMount[];
  readonly gids: readonly number[];
  readonly hooks: OciHooks;
}

/**
 * Looks up the devices that `config` asks for; undefined where it asks for none. Throws INVALID_ARGUMENT, NOT_FOUND or
 * FAILED_PRECONDITION saying which device cannot be had and why.
 */
export async function resolveCdi(
  config: ContainerConfig,
  user: ResolvedUser,
  directories: readonly string[],
  log: Log,
): Promise<Injection | undefined> {
  const names = requestedDevices(config);
  if (names.length === 0) return undefined;
  const edits = editsFor(await readRegistry(directories), names);
  if (edits.some(({ netDevices }) => netDevices)) {
    const message = `CDI devices ${names.join(', ')}: netDevices need an OCI runtime that moves network devices`;
    throw new CribError('FAILED_PRECONDITION', message);
  }
  if (edits.some(({ intelRdt }) => intelRdt)) log.info({ devices: names }, 'intelRdt of CDI devices is left out');
  return {
    env: edits.flatMap(({ env }) => env.map(split)),
    devices: await Promise.all(edits.flatMap(({ deviceNodes }) => deviceNodes.map((node) => deviceOf(node, user)))),
    mounts: edits.flatMap(({ mounts }) => mounts.map(mountOf)),
    gids: [...new Set(edits.flatMap(({ additionalGids }) => additionalGids))],
    hooks: hooksOf(edits),
  };
}

/** Later ones win: a device that is injected replaces what stood at its path. */
export function inject(input: SpecInput, injection: Injection): SpecInput {
  const replaced = new Set(injection.mounts.map((mount) => mount.destination));
  return {
    ...input,
    config: { ...input.config, envs: [...input.config.envs, ...injection.env] },
    user: { ...input.user, additionalGids: [...new Set([...input.user.additionalGids, ...injection.gids])] },
    devices: [...input.devices, ...injection.devices],
    mounts: [...input.mounts.filter((mount) => !replaced.has(mount.destination)), ...injection.mounts],
  };
}

function split(entry: string): { key: string; value: string } {
  const at = entry.indexOf('=');
  return { key: entry.slice(0, at), value: entry.slice(at + 1) };
}

/** What the file does not say is as the host's node has it; its owner is the container's user (SPEC.md, "deviceNodes"). */
async function deviceOf(node: CdiDeviceNode, user: ResolvedUser): Promise<ResolvedDevice> {
  const onHost = node.hostPath || node.path;
  const told = node.type !== '' && (node.type === 'p' || (node.major !== undefined && node.minor !== undefined));
  const facts = told ? undefined : await factsOf(onHost);
  const type = node.type === 'u' ? 'c' : node.type || facts?.type;
  if (type === undefined || (facts !== undefined && facts.type !== type)) {
    const message = `CDI device node ${node.path}: ${onHost} is not a device of type ${type ?? 'b, c or p'}`;
    throw new CribError('FAILED_PRECONDITION', message);
  }
  return {
    path: node.path,
    type,
    major: node.major ?? facts?.major ?? 0,
    minor: node.minor ?? facts?.minor ?? 0,
    fileMode: node.fileMode ?? facts?.fileMode ?? 0o666,
    uid: node.uid ?? user.uid,
    gid: node.gid ?? user.gid,
    access: node.permissions || 'rwm',
  };
}

async function factsOf(onHost: string) {
  try {
    const facts = await fs.stat(onHost);
    const type = facts.isCharacterDevice() ? 'c' : facts.isBlockDevice() ? 'b' : facts.isFIFO() ? 'p' : undefined;
    return { type, ...splitDevice(facts.rdev), fileMode: facts.mode & 0o7777 } as const;
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `CDI device node ${onHost}: ${messageOf(cause)}`, { cause });
  }
}

/** Without a type it is a bind mount; the OCI runtimes go by the option. */
function mountOf({ hostPath, containerPath, type, options }: CdiMount): ResolvedMount {
  const isBind = type === '' || type === 'bind';
  const named = options.some((option) => option === 'bind' || option === 'rbind');
  return {
    destination: containerPath,
    source: hostPath,
    type: isBind ? 'bind' : type,
    options: isBind && !named ? ['rbind', ...options] : options,
  };
}

function hooksOf(edits: readonly ContainerEdits[]): OciHooks {
  const hooks: Partial<Record<HookName, OciHook[]>> = {};
  for (const { name, hook } of edits.flatMap((edit) => edit.hooks)) hooks[name] = [...(hooks[name] ?? []), hook];
  return hooks;
}
