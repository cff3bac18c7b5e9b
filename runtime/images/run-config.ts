/** The part of an image's configuration that running it needs (image-spec config.md, "config"), checked and bounded. */

import { CribError } from '../errors.js';
import { isObject, type JsonObject, stringMap } from './manifest.js';
import type { ImageRunConfig } from './types.js';

const MAX_ENTRIES = 10_000;

/** Throws INVALID_ARGUMENT when a field has another type than the specification gives it. */
export function runConfigOf(image: JsonObject): ImageRunConfig {
  const value = fieldOf(image, 'config');
  const config: JsonObject = isObject(value) ? value : {};
  const volumes = fieldOf(config, 'Volumes');
  return {
    user: text(config, 'User'),
    env: list(config, 'Env'),
    entrypoint: list(config, 'Entrypoint'),
    cmd: list(config, 'Cmd'),
    workingDir: text(config, 'WorkingDir'),
    stopSignal: text(config, 'StopSignal'),
    labels: stringMap(fieldOf(config, 'Labels')),
    volumes: isObject(volumes) ? Object.keys(volumes).slice(0, MAX_ENTRIES) : [],
  };
}

/** Go, in which the other runtimes are written, takes `cmd` for `Cmd`, and some images have it so. */
function fieldOf(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const other = Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
  return other === undefined ? undefined : object[other];
}

function wrong(field: string, what: string): CribError {
  return new CribError(
    'INVALID_ARGUMENT',
    `read the image configuration: config.${field} ${what}; the image must be built anew`,
  );
}

function text(config: JsonObject, field: string): string {
  const value = fieldOf(config, field) ?? '';
  if (typeof value !== 'string') throw wrong(field, 'is not a string');
  if (value.includes('\0')) throw wrong(field, 'has a NUL in it');
  return value;
}

function list(config: JsonObject, field: string): string[] {
  const value = fieldOf(config, field) ?? [];
  if (!Array.isArray(value)) throw wrong(field, 'is not a list');
  if (value.length > MAX_ENTRIES) throw wrong(field, `has more than ${MAX_ENTRIES} entries`);
  return value.map((entry: unknown) => {
    if (typeof entry !== 'string' || entry.includes('\0')) throw wrong(field, 'has an entry that is not a string');
    return entry;
  });
}
