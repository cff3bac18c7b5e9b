/** Running a plugin: found by its type, configured on stdin, its errors in crib's words (CNI spec 1.1.0, sections 2 to 4). */

import fs from 'node:fs';
import path from 'node:path';
import { CribError, type ErrorCode } from '../../../runtime/errors.js';
import type { JsonObject } from '../json.js';
import { run } from '../run.js';
import { runtimeConfigOf } from './capabilities.js';
import type { PluginConfig } from './config.js';
import type { CniRecord } from './record.js';
import { type CniResult, parsePluginError, parseResult } from './result.js';

const TIMEOUT_MS = 30_000;

/** Codes of the spec that are not just a failure. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1: 'FAILED_PRECONDITION', // Incompatible CNI version.
  2: 'FAILED_PRECONDITION', // Unsupported field in the configuration.
  7: 'FAILED_PRECONDITION', // Invalid network configuration.
  11: 'UNAVAILABLE', // Try again later.
};

/** Where the plugin of that type is; undefined when it is in none of the directories. */
export function findPlugin(type: string, binDirs: readonly string[]): string | undefined {
  for (const directory of binDirs) {
    const file = path.join(directory, type);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return file;
    } catch {
      // The next directory may have it.
    }
  }
  return undefined;
}

export interface PluginCall {
  readonly record: CniRecord;
  readonly plugin: PluginConfig;
  readonly binDirs: readonly string[];
  readonly previous: JsonObject | undefined;
  readonly signal: AbortSignal;
}

export async function addByPlugin(call: PluginCall): Promise<CniResult> {
  return parseResult(await invoke('ADD', call, call.record.netns), call.plugin.type);
}

/** `netns` is empty when the namespace has gone. */
export async function deleteByPlugin(call: PluginCall, netns: string): Promise<void> {
  await invoke('DEL', call, netns);
}

async function invoke(command: 'ADD' | 'DEL', call: PluginCall, netns: string): Promise<string> {
  const { record, plugin, binDirs, signal } = call;
  const attempt = `CNI ${command} of network ${record.config.name} by plugin ${plugin.type}`;
  const file = findPlugin(plugin.type, binDirs);
  if (file === undefined) {
    throw new CribError('NOT_FOUND', `${attempt}: there is no such plugin in ${binDirs.join(', ')}; install it there`);
  }
  const env = {
    ...process.env,
    CNI_COMMAND: command,
    CNI_CONTAINERID: record.podId,
    CNI_NETNS: netns,
    CNI_IFNAME: record.interfaceName,
    CNI_ARGS: record.args,
    CNI_PATH: binDirs.join(':'),
  };
  const result = await run(file, [], { input: inputOf(call), env, timeoutMs: TIMEOUT_MS, signal });
  if (result.exitCode === 0) return result.stdout;
  const error = parsePluginError(result.stdout);
  const why =
    error === undefined ? result.stderr || result.stdout.slice(0, 4096) : `${error.message} (code ${error.code})`;
  throw new CribError(CODES[error?.code ?? 0] ?? 'INTERNAL', `${attempt}: ${why || `exit code ${result.exitCode}`}`);
}

function inputOf({ record, plugin, previous }: PluginCall): string {
  const runtimeConfig = runtimeConfigOf(plugin, record.capabilityArgs);
  return JSON.stringify({
    ...plugin,
    name: record.config.name,
    cniVersion: record.config.cniVersion,
    ...(runtimeConfig !== undefined && { runtimeConfig }),
    ...(previous !== undefined && { prevResult: previous }),
  });
}
