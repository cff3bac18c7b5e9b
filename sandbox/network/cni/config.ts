/** A CNI network configuration list (CNI spec 1.1.0, section 1), from a `.conflist` or a single plugin's `.conf`. */

import { CribError } from '../../../runtime/errors.js';
import { isObject, isString, type JsonObject, parseObject } from '../json.js';

/** Highest first. 0.3.0 and older have results of another shape. */
const VERSIONS = ['1.1.0', '1.0.0', '0.4.0', '0.3.1'] as const;
const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const PLUGIN_TYPE = /^[^/\0]{1,128}$/;
const MAX_PLUGINS = 32;

export interface CniConfig {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfig[];
}

/** A plugin's own fields, as they stand in the file. */
export type PluginConfig = JsonObject & { readonly type: string };

export function isCniConfig(value: unknown): value is CniConfig {
  if (!isObject(value) || !isString(value.name) || !isString(value.cniVersion)) return false;
  if (!NETWORK_NAME.test(value.name) || !Array.isArray(value.plugins)) return false;
  return value.plugins.length > 0 && value.plugins.length <= MAX_PLUGINS && value.plugins.every(isPlugin);
}

function isPlugin(value: unknown): value is PluginConfig {
  return isObject(value) && isString(value.type) && PLUGIN_TYPE.test(value.type) && !/^\.\.?$/.test(value.type);
}

/** `file` is named in errors, and its extension decides: all but `.conflist` may hold a single plugin. Throws INVALID_ARGUMENT. */
export function parseConfig(text: string, file: string): CniConfig {
  const invalid = (why: string) => new CribError('INVALID_ARGUMENT', `CNI configuration ${file}: ${why}`);
  const raw = parseObject(text);
  if (raw === undefined) throw invalid('not a JSON object');
  const { name, plugins } = raw;
  if (!isString(name) || !NETWORK_NAME.test(name)) throw invalid('"name" is missing or not a network name');
  const cniVersion = chooseVersion(raw);
  if (cniVersion === undefined) {
    throw invalid(`"cniVersion" ${JSON.stringify(raw.cniVersion)} is none of ${VERSIONS.join(', ')}`);
  }
  if (plugins === undefined && !file.endsWith('.conflist') && isPlugin(raw)) {
    return { name, cniVersion, plugins: [raw] };
  }
  const config = { name, cniVersion, plugins };
  if (!isCniConfig(config)) throw invalid(`"plugins" must be 1 to ${MAX_PLUGINS} objects with a "type" each`);
  return config;
}

/** `cniVersions` (spec 1.1.0) lists what else may be spoken; the highest known is taken. */
function chooseVersion(raw: JsonObject): string | undefined {
  const offered = [raw.cniVersion, ...(Array.isArray(raw.cniVersions) ? raw.cniVersions : [])];
  return VERSIONS.find((version) => offered.includes(version));
}
