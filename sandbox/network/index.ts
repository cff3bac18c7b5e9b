/**
 * Pod networking: by CNI, which clusters have, or crib's own bridge. Which one it is decides `attach` alone; what was
 * attached is taken back by the kind that its record names, so the configuration may change while pods run.
 */

import { CribError } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import { BridgeNetwork, type BridgeOptions } from './bridge/network.js';
import { CniNetwork } from './cni/network.js';
import { recordedAddresses } from './cni/result.js';
import { NetworkRecords } from './records.js';
import type { NetworkAttachment, NetworkReadiness, NetworkRequest, PodNetwork } from './types.js';

export interface NetworkOptions {
  readonly mode: 'cni' | 'bridge';
  /** Durable; records are kept in its `network` directory. */
  readonly root: string;
  /** Directory of the CNI configuration, `/etc/cni/net.d`. */
  readonly confDir: string;
  /** Where CNI plugins are, in the order of search: `/opt/cni/bin`, `/usr/lib/cni` (Debian). */
  readonly binDirs: readonly string[];
  readonly bridge?: BridgeOptions;
  readonly log: Log;
}

export const DEFAULT_BRIDGE: BridgeOptions = { name: 'crib0', subnets: ['10.88.0.0/16', 'fd00:c41b::/64'] };

/** A pod network that can also be removed from the host. */
export interface RemovableNetwork extends PodNetwork {
  /** Removes what no pod needs: bridge and table; nothing for CNI. Throws FAILED_PRECONDITION while pods are attached. */
  destroy(): Promise<void>;
}

/** Nothing is touched before `open`. Throws INVALID_ARGUMENT for a bridge configuration that cannot be meant. */
export function createNetwork(options: NetworkOptions): RemovableNetwork {
  return new Network(options);
}

class Network implements RemovableNetwork {
  readonly #records: NetworkRecords;
  readonly #cni: CniNetwork;
  readonly #bridge: BridgeNetwork;
  readonly #active: CniNetwork | BridgeNetwork;

  constructor({ mode, root, confDir, binDirs, bridge, log }: NetworkOptions) {
    this.#records = new NetworkRecords(root, log);
    this.#cni = new CniNetwork({ confDir, binDirs }, this.#records, log);
    this.#bridge = new BridgeNetwork(bridge ?? DEFAULT_BRIDGE, this.#records, log);
    this.#active = mode === 'cni' ? this.#cni : this.#bridge;
  }

  async open(): Promise<void> {
    await this.#records.load();
    await this.#active.open();
  }

  async close(): Promise<void> {
    await this.#active.close();
  }

  readiness(): NetworkReadiness {
    return this.#active.readiness();
  }

  async attach(request: NetworkRequest, signal: AbortSignal): Promise<NetworkAttachment> {
    if (this.#records.get(request.podId) !== undefined) {
      throw new CribError('ALREADY_EXISTS', `pod ${request.podId} is attached already; detach it first`);
    }
    return this.#active.attach(request, signal);
  }

  async detach(podId: string, signal: AbortSignal): Promise<void> {
    const record = this.#records.get(podId);
    if (record === undefined) return;
    if (record.kind === 'cni') await this.#cni.detach(record, signal);
    else await this.#bridge.detach(record, signal);
  }

  addressesOf(podId: string): readonly string[] {
    const record = this.#records.get(podId);
    if (record === undefined) return [];
    return record.kind === 'cni' ? recordedAddresses(record) : record.addresses;
  }

  attached(): readonly string[] {
    return this.#records.ids();
  }

  async destroy(): Promise<void> {
    if (this.#active === this.#bridge) await this.#bridge.destroy();
  }
}
