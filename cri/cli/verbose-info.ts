/** Reads the verbose part of a status: a map whose values are JSON (CRI v1, ContainerStatusResponse.info). */

import type { VolumeDecision } from '../../volumes/types.js';

/** Every value parsed; one that is not JSON stays the text it is. */
export function parseInfo(info: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(info).map(([key, text]) => [key, parsed(text)]));
}

/** Where each volume went; empty from a runtime that does not say. */
export function volumesOf(info: Readonly<Record<string, unknown>>): VolumeDecision[] {
  for (const value of [info, ...Object.values(info)]) {
    if (typeof value !== 'object' || value === null) continue;
    const volumes: unknown = Reflect.get(value, 'volumes');
    if (Array.isArray(volumes)) return volumes.filter(isDecision);
  }
  return [];
}

function isDecision(value: unknown): value is VolumeDecision {
  if (typeof value !== 'object' || value === null) return false;
  return ['containerPath', 'hostPath', 'kind', 'route', 'reason'].every(
    (key) => typeof Reflect.get(value, key) === 'string',
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
