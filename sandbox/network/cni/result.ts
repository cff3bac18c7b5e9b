/** A plugin's answer (CNI spec 1.1.0, section 5): untrusted text until it has been through here. */

import { CribError } from '../../../runtime/errors.js';
import { formatAddress, parsePrefixed } from '../addresses.js';
import { isObject, isString, type JsonObject, parseObject } from '../json.js';
import type { CniRecord } from './record.js';

/** More than any network has; less than what hurts. */
const MAX_ENTRIES = 256;
const MAX_NAME = 64;

export interface ResultInterface {
  readonly name: string;
  /** Empty: on the host. */
  readonly sandbox: string;
}

export interface CniResult {
  /** As it came: the next plugin's prevResult. */
  readonly raw: JsonObject;
  readonly interfaces: readonly ResultInterface[];
  /** Canonical addresses without prefix; `interface` is an index into `interfaces`. */
  readonly ips: readonly { readonly address: string; readonly interface: number | undefined }[];
}

/** Throws INTERNAL, naming `plugin`, for what is no result. */
export function parseResult(text: string, plugin: string): CniResult {
  const raw = parseObject(text);
  if (raw === undefined) throw invalid(plugin, 'not a JSON object');
  return validateResult(raw, plugin);
}

export function validateResult(raw: JsonObject, plugin: string): CniResult {
  const interfaces = listOf(raw.interfaces, plugin, 'interfaces').map((entry): ResultInterface => {
    const { name, sandbox = '' } = entry;
    if (!isString(name) || name.length === 0 || name.length > MAX_NAME)
      throw invalid(plugin, 'an interface without a name');
    if (!isString(sandbox)) throw invalid(plugin, `interface ${name} with a sandbox that is no path`);
    return { name, sandbox };
  });
  const ips = listOf(raw.ips, plugin, 'ips').map(({ address, interface: index }) => {
    const parsed = isString(address) ? parsePrefixed(address) : undefined;
    if (parsed === undefined) throw invalid(plugin, `address ${JSON.stringify(address)?.slice(0, MAX_NAME)}`);
    return { address: formatAddress(parsed.address), interface: indexOf(index, interfaces.length, plugin) };
  });
  return { raw, interfaces, ips };
}

/** The pod's addresses: those of its interface, in the plugins' order. Throws INTERNAL when there is none. */
export function podAddresses(result: CniResult, interfaceName: string, plugin: string): readonly string[] {
  const own = result.ips.filter((ip) => {
    if (ip.interface === undefined) return true;
    const target = result.interfaces[ip.interface];
    return target?.name === interfaceName && target.sandbox !== '';
  });
  if (own.length === 0) throw invalid(plugin, `no address for ${interfaceName}`);
  return [...new Set(own.map((ip) => ip.address))];
}

/** The same of what was written down, as long as it lies there; empty before there is a result. */
export function recordedAddresses({
  result,
  interfaceName,
}: Pick<CniRecord, 'result' | 'interfaceName'>): readonly string[] {
  if (result === undefined) return [];
  try {
    return podAddresses(validateResult(result, 'of the record'), interfaceName, 'of the record');
  } catch {
    return []; // it was read before it was written down, so that somebody has changed it
  }
}

export interface PluginError {
  readonly code: number;
  readonly message: string;
}

/** The error object of a plugin that failed; undefined when its output is none. */
export function parsePluginError(text: string): PluginError | undefined {
  const raw = parseObject(text);
  if (raw === undefined || typeof raw.code !== 'number') return undefined;
  const texts = [raw.msg, raw.details].filter(isString).filter((part) => part !== '');
  return { code: raw.code, message: texts.join(': ').slice(0, 4096) };
}

function listOf(value: unknown, plugin: string, field: string): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.length <= MAX_ENTRIES && value.every(isObject)) return value;
  throw invalid(plugin, `"${field}" is not a list of at most ${MAX_ENTRIES} objects`);
}

function indexOf(value: unknown, length: number, plugin: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < length) return value;
  throw invalid(plugin, 'an address of an interface that is not in the list');
}

function invalid(plugin: string, why: string): CribError {
  return new CribError('INTERNAL', `CNI plugin ${plugin}: its result cannot be used: ${why}`);
}
