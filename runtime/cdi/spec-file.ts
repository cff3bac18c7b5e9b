/** One file of CDI specifications: JSON or YAML, checked against the version that it says it is of. */

import { isDeviceName, isKind } from './names.js';
import { absolute, anything, list, matching, number, object, oneOf, optional, text } from './reader.js';
import { type CdiSpec, type ContainerEdits, HOOK_NAMES } from './types.js';

const VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '1.1.0'] as const;
type Version = (typeof VERSIONS)[number];

const DEVICE_TYPES = ['b', 'c', 'u', 'p'] as const;
const permissions = matching(/^[rwm]{0,3}$/, 'any of r, w and m');

const readEdits = object({
  env: list(matching(/^[^=]+=/, 'of the form NAME=value')),
  deviceNodes: list(
    object({
      path: absolute,
      hostPath: optional(absolute),
      type: optional(oneOf(DEVICE_TYPES)),
      major: optional(number),
      minor: optional(number),
      fileMode: optional(number),
      permissions: optional(permissions),
      uid: optional(number),
      gid: optional(number),
    }),
  ),
  mounts: list(
    object({ hostPath: absoluteOrName, containerPath: absolute, type: optional(text), options: list(text) }),
  ),
  hooks: list(
    object({
      hookName: oneOf(HOOK_NAMES),
      path: absolute,
      args: list(text),
      env: list(text),
      timeout: optional(number),
    }),
  ),
  additionalGids: list(number),
  intelRdt: optional(anything),
  netDevices: list(anything),
});

const readSpec = object({
  cdiVersion: oneOf(VERSIONS),
  kind: text,
  annotations: optional(anything),
  devices: list(object({ name: text, annotations: optional(anything), containerEdits: readEdits })),
  containerEdits: optional(readEdits),
});

type RawEdits = ReturnType<typeof readEdits>;

/** The source of a mount that is no bind is a word (`tmpfs`). */
function absoluteOrName(value: unknown, where: string): string {
  const source = text(value, where);
  if (source === '') throw new Error(`${where} is empty`);
  return source;
}

/** `yaml` tells the format. Throws an Error whose message names the place of what is wrong. */
export async function parseSpec(content: string, yaml: boolean): Promise<CdiSpec> {
  const value: unknown = yaml ? (await import('yaml')).parse(content) : JSON.parse(content);
  const raw = readSpec(value, 'spec');
  if (!isKind(raw.kind)) throw new Error(`spec.kind ${JSON.stringify(raw.kind)} is not of the form vendor.com/class`);
  if (raw.devices.length === 0) throw new Error('spec.devices is empty');
  const seen = new Set<string>();
  for (const [index, device] of raw.devices.entries()) {
    const where = `spec.devices[${index}]`;
    if (!isDeviceName(device.name)) throw new Error(`${where}.name ${JSON.stringify(device.name)} is not a name`);
    if (seen.has(device.name)) throw new Error(`${where}.name ${device.name} is there twice`);
    if (isEmpty(device.containerEdits)) throw new Error(`${where}.containerEdits is empty`);
    seen.add(device.name);
  }
  checkVersion(raw);
  return {
    kind: raw.kind,
    devices: raw.devices.map(({ name, containerEdits }) => ({ name, edits: editsOf(containerEdits) })),
    edits: editsOf(raw.containerEdits),
  };
}

function isEmpty(edits: RawEdits): boolean {
  return Object.values(edits).every((value) => value === undefined || (Array.isArray(value) && value.length === 0));
}

/** A file may only use what the version that it names has (SPEC.md, "Version"). */
function checkVersion(raw: ReturnType<typeof readSpec>): void {
  const all = [raw.containerEdits, ...raw.devices.map((device) => device.containerEdits)].filter(
    (edits) => edits !== undefined,
  );
  const uses = (test: (edits: RawEdits) => boolean) => all.some(test);
  const annotated = [raw, ...raw.devices].some(({ annotations }) => annotations !== undefined);
  const needs: readonly (readonly [Version, string, boolean])[] = [
    ['1.1.0', 'netDevices', uses((edits) => edits.netDevices.length > 0)],
    ['0.7.0', 'additionalGids', uses((edits) => edits.additionalGids.length > 0)],
    ['0.7.0', 'intelRdt', uses((edits) => edits.intelRdt !== undefined)],
    ['0.6.0', 'annotations', annotated],
    ['0.6.0', 'a class with a dot', raw.kind.split('/')[1]?.includes('.') === true],
    ['0.5.0', 'a name that begins with a digit', raw.devices.some(({ name }) => /^\d/.test(name))],
    ['0.5.0', 'hostPath of a device', uses((edits) => edits.deviceNodes.some((node) => node.hostPath !== undefined))],
    ['0.4.0', 'type of a mount', uses((edits) => edits.mounts.some((mount) => mount.type !== undefined))],
  ];
  for (const [version, what, used] of needs) {
    if (!used || VERSIONS.indexOf(raw.cdiVersion) >= VERSIONS.indexOf(version)) continue;
    throw new Error(`spec.cdiVersion is ${raw.cdiVersion}, but ${what} needs ${version}`);
  }
}

function editsOf(raw: RawEdits | undefined): ContainerEdits {
  return {
    env: raw?.env ?? [],
    deviceNodes: (raw?.deviceNodes ?? []).map((node) => ({
      ...node,
      hostPath: node.hostPath ?? '',
      type: node.type ?? ('' as const),
      permissions: node.permissions ?? '',
    })),
    mounts: (raw?.mounts ?? []).map((mount) => ({ ...mount, type: mount.type ?? '' })),
    hooks: (raw?.hooks ?? []).map(({ hookName, path, args, env, timeout }) => ({
      name: hookName,
      hook: {
        path,
        ...(args.length > 0 ? { args } : {}),
        ...(env.length > 0 ? { env } : {}),
        ...(timeout === undefined ? {} : { timeout }),
      },
    })),
    additionalGids: (raw?.additionalGids ?? []).filter((gid) => gid !== 0),
    intelRdt: raw?.intelRdt !== undefined,
    netDevices: (raw?.netDevices ?? []).length > 0,
  };
}
