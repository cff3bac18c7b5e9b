/** Pod networking by CNI plugins: what clusters have. Everything it gives is in a record first. */

import { CribError, messageOf } from '../../../runtime/errors.js';
import type { Log } from '../../../runtime/log.js';
import { step } from '../../../runtime/steps.js';
import { isObject, isString } from '../json.js';
import type { NetworkRecords } from '../records.js';
import type { NetworkAttachment, NetworkReadiness, NetworkRequest } from '../types.js';
import { capabilityArgs, cniArgs } from './capabilities.js';
import type { CniConfig } from './config.js';
import { ConfigDirectory } from './config-directory.js';
import { addByPlugin, findPlugin } from './plugin.js';
import type { CniRecord } from './record.js';
import { type CniResult, podAddresses } from './result.js';
import { tearDown } from './teardown.js';

const INTERFACE = 'eth0';
const UNDO_TIMEOUT_MS = 60_000;

export interface CniOptions {
  readonly confDir: string;
  readonly binDirs: readonly string[];
}

export class CniNetwork {
  readonly #options: CniOptions;
  readonly #records: NetworkRecords;
  readonly #log: Log;
  readonly #directory: ConfigDirectory;

  constructor(options: CniOptions, records: NetworkRecords, log: Log) {
    this.#options = options;
    this.#records = records;
    this.#log = log;
    this.#directory = new ConfigDirectory(options.confDir);
  }

  async open(): Promise<void> {
    for (const problem of this.#directory.current().problems) {
      this.#log.warn({ problem }, 'a CNI configuration is not used');
    }
  }

  async close(): Promise<void> {
    this.#directory.close();
  }

  readiness(): NetworkReadiness {
    const state = this.#usable();
    if (!('why' in state)) return { ready: true, reason: '', message: '' };
    return { ready: false, reason: 'NetworkPluginNotReady', message: state.why };
  }

  async attach(request: NetworkRequest, signal: AbortSignal): Promise<NetworkAttachment> {
    const state = this.#usable();
    if ('why' in state) throw new CribError('UNAVAILABLE', state.why);
    const record: CniRecord = {
      version: 1,
      kind: 'cni',
      podId: request.podId,
      phase: 'adding',
      netns: request.netns,
      interfaceName: INTERFACE,
      args: cniArgs(request),
      config: state.config,
      capabilityArgs: capabilityArgs(request),
    };
    // Durable: address management (host-local) keeps its files over a reboot.
    await step('cni/record', () => this.#records.save(record, true));
    let last: CniResult | undefined;
    try {
      for (const plugin of record.config.plugins) {
        const { binDirs } = this.#options;
        const previous = last?.raw;
        last = await step('cni/add', () => addByPlugin({ record, plugin, binDirs, previous, signal }));
      }
      if (last === undefined) throw new CribError('INTERNAL', `CNI network ${record.config.name} has no plugins`);
      const ips = podAddresses(last, INTERFACE, record.config.plugins.at(-1)?.type ?? '');
      const added = { ...record, phase: 'added' as const, result: last.raw };
      await step('cni/result', () => this.#records.save(added, true));
      return { ips, interfaceName: INTERFACE };
    } catch (error) {
      await this.#undo(last === undefined ? record : { ...record, result: last.raw });
      throw error;
    }
  }

  async detach(record: CniRecord, signal: AbortSignal): Promise<void> {
    await tearDown(record, this.#options.binDirs, this.#log, signal);
    await step('cni/forget', () => this.#records.remove(record.podId));
  }

  /** Under a deadline of its own: the caller's may be what has run out. What fails stays recorded for `detach`. */
  async #undo(record: CniRecord): Promise<void> {
    try {
      await this.detach(record, AbortSignal.timeout(UNDO_TIMEOUT_MS));
    } catch (error) {
      this.#log.warn({ pod: record.podId, error: messageOf(error) }, 'a failed CNI ADD could not be undone yet');
    }
  }

  #usable(): { config: CniConfig } | { why: string } {
    const { confDir, binDirs } = this.#options;
    const { config, problems } = this.#directory.current();
    const prefix = 'Network plugin returns error: cni plugin not initialized';
    if (config === undefined) {
      const seen = problems.length === 0 ? '' : ` (${problems.join('; ').slice(0, 1024)})`;
      return { why: `${prefix}: no network config found in ${confDir}${seen}; install a CNI network there` };
    }
    const missing = pluginTypes(config).filter((type) => findPlugin(type, binDirs) === undefined);
    if (missing.length === 0) return { config };
    const what = `network ${config.name} needs the plugins ${missing.join(', ')}`;
    return { why: `${prefix}: ${what}, which are in none of ${binDirs.join(', ')}; install them there` };
  }
}

/** Those of the chain and those that they call for addresses. */
function pluginTypes(config: CniConfig): string[] {
  return config.plugins.flatMap(({ type, ipam }) => {
    return isObject(ipam) && isString(ipam.type) && ipam.type !== '' ? [type, ipam.type] : [type];
  });
}
