/** Reads the verbose part of a status: a map whose values are JSON (CRI v1, ContainerStatusResponse.info). */

import type { ContainerVolumeView, VolumeView } from '../../sandbox/volume-views.js';

/** Every value parsed; one that is not JSON stays the text it is. */
export function parseInfo(info: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(info).map(([key, text]) => [key, parsed(text)]));
}

/** Where each volume of a container went; empty from a runtime that does not say. */
export function volumesOf(info: Readonly<Record<string, unknown>>): ContainerVolumeView[] {
  return listOf(info, 'volumes').filter(isContainerVolume);
}

/** The volumes of a pod; empty from a runtime that does not say. */
export function podVolumesOf(info: Readonly<Record<string, unknown>>): VolumeView[] {
  return listOf(info, 'volumes').filter(isPodVolume);
}

function listOf(info: Readonly<Record<string, unknown>>, key: string): unknown[] {
  const list = property(info, key);
  return Array.isArray(list) ? list : [];
}

/** The log directory that a pod was made with; empty from a runtime that does not say. */
export function logDirectoryIn(info: Readonly<Record<string, unknown>>): string {
  const config = property(info, 'config');
  const directory: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'logDirectory') : '';
  return typeof directory === 'string' ? directory : '';
}

/** Whether a container was made with a terminal and with stdin; false from a runtime that does not say. */
export function stdioIn(info: Readonly<Record<string, unknown>>): { tty: boolean; stdin: boolean } {
  const config = property(info, 'config');
  const has = (name: string) => typeof config === 'object' && config !== null && Reflect.get(config, name) === true;
  return { tty: has('tty'), stdin: has('stdin') };
}

/** A property of the map itself or of one of its values. */
function property(info: Readonly<Record<string, unknown>>, key: string): unknown {
  for (const value of [info, ...Object.values(info)]) {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) return Reflect.get(value, key);
  }
  return undefined;
}

function isContainerVolume(value: unknown): value is ContainerVolumeView {
  return hasTexts(value, ['containerPath', 'hostPath', 'kind', 'route', 'reason']) && hasLists(value, ['sharedWith']);
}

function isPodVolume(value: unknown): value is VolumeView {
  return hasTexts(value, ['name', 'hostPath', 'kind', 'route', 'reason']) && hasLists(value, ['mounts', 'otherPods']);
}

function hasTexts(value: unknown, keys: readonly string[]): boolean {
  return (
    typeof value === 'object' && value !== null && keys.every((key) => typeof Reflect.get(value, key) === 'string')
  );
}

function hasLists(value: unknown, keys: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && keys.every((key) => Array.isArray(Reflect.get(value, key)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
