/**
 * crib's own pod network: a bridge, a veth pair for each pod by netlink, nftables for the way out and for host ports.
 * A pod without host ports costs no process. crib adds no FORWARD rules: an accept in one table does not undo a drop
 * in another, so a host whose own firewall drops forwarded traffic has to let the bridge through there.
 */

import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { attempting, CribError, messageOf } from '../../../runtime/errors.js';
import {
  addAddress,
  addDefaultRoute,
  deleteLink,
  findLink,
  type Link,
  NO_LINK,
  newVeth,
  setUp,
} from '../../../runtime/linux/links.js';
import { type NetlinkMessage, NetlinkSocket } from '../../../runtime/linux/netlink.js';
import type { Log } from '../../../runtime/log.js';
import { Serial } from '../../../runtime/serial.js';
import { step } from '../../../runtime/steps.js';
import { type Address, addressBytes, formatAddress, parseAddress, parseSubnet, type Subnet } from '../addresses.js';
import type { NetworkRecords } from '../records.js';
import type { NetworkAttachment, NetworkReadiness, NetworkRequest } from '../types.js';
import { AddressAllocator } from './allocator.js';
import { ensureBridge, hardwareAddress } from './host.js';
import { publishedPorts, refuseConflicts } from './host-ports.js';
import { deleteTable, publish, replaceTable, unpublish } from './nftables.js';
import type { BridgeRecord } from './record.js';

const INTERFACE = 'eth0';
/** Nobody waits for the removal of an interface, so nobody calls again when it fails: it is tried four times. */
const REMOVAL_PAUSE_MS = 100;
const LAST_REMOVAL_PAUSE_MS = 400;
const TIMEOUT_MS = 30_000;
/** From a start at which the host refused something to the next try, doubled each time. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export interface BridgeOptions {
  /** Name of the bridge interface, at most 15 characters; two instances on a host have different ones. */
  readonly name: string;
  /** At most one IPv4 and one IPv6 subnet, `10.88.0.0/16`; the first address after the base is the bridge's. */
  readonly subnets: readonly string[];
  readonly mtu?: number;
}

export class BridgeNetwork {
  readonly #options: BridgeOptions;
  readonly #subnets: readonly Subnet[];
  readonly #allocators: readonly AddressAllocator[];
  readonly #records: NetworkRecords;
  readonly #log: Log;
  /** Interfaces that are being removed, by pod. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Those of them, and of those whose removal failed, whose host ports are free again already. */
  readonly #unpublished = new Set<string>();
  /** Changes of the table, while it may be missing: it is made with what those before have left. */
  readonly #turns = new Serial();
  #bridge: Link | undefined;
  #failure = 'not opened yet';
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  /** Throws INVALID_ARGUMENT for options that cannot be meant. */
  constructor(options: BridgeOptions, records: NetworkRecords, log: Log) {
    const { name, subnets } = options;
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name)) {
      throw new CribError('INVALID_ARGUMENT', `bridge name ${JSON.stringify(name)}: 1 to 15 letters, digits, _ . -`);
    }
    this.#options = options;
    this.#subnets = subnets.map(parseSubnet).sort((a, b) => a.family - b.family);
    if (this.#subnets.length === 0 || new Set(this.#subnets.map((s) => s.family)).size !== this.#subnets.length) {
      throw new CribError('INVALID_ARGUMENT', `bridge ${name}: one IPv4 or IPv6 subnet, or one of each, is needed`);
    }
    this.#allocators = this.#subnets.map((subnet) => new AddressAllocator(subnet));
    this.#records = records;
    this.#log = log;
  }

  /**
   * Makes what a reboot or somebody else removed; host ports of pods that are not recorded go. Where that fails the
   * daemon serves on, the node's condition says why, and it is tried again: the host was busy, or somebody mends it.
   */
  async open(): Promise<void> {
    await this.#turns.run(() => this.#setUp(FIRST_RETRY_MS));
  }

  async #setUp(retryMs: number): Promise<void> {
    const gateways = this.#allocators.map(({ gateway, prefix }) => ({ address: gateway, prefix }));
    const { name, mtu } = this.#options;
    try {
      for (const allocator of this.#allocators) allocator.resume(this.#taken());
      this.#bridge = await ensureBridge(name, gateways, mtu);
      await replaceTable(name, this.#subnets, this.#published(), AbortSignal.timeout(TIMEOUT_MS));
      this.#failure = '';
    } catch (error) {
      const failure = messageOf(error);
      if (failure !== this.#failure)
        this.#log.error({ bridge: name, error: failure }, 'the pod network cannot be set up');
      this.#failure = failure;
      this.#retry = setTimeout(() => void this.#setUpAgain(2 * retryMs), retryMs).unref();
    }
  }

  async #setUpAgain(retryMs: number): Promise<void> {
    await this.#turns.run(async () => {
      if (!this.#closed) await this.#setUp(Math.min(retryMs, LONGEST_RETRY_MS));
    });
  }

  async close(): Promise<void> {
    this.#end();
    await Promise.allSettled(this.#leaving.values());
  }

  readiness(): NetworkReadiness {
    if (this.#failure === '') return { ready: true, reason: '', message: '' };
    const message = `bridge network ${this.#options.name} is not ready: ${this.#failure}; it is tried again`;
    return { ready: false, reason: 'NetworkPluginNotReady', message };
  }

  async attach(request: NetworkRequest, signal: AbortSignal): Promise<NetworkAttachment> {
    const bridge = this.#bridge;
    if (bridge === undefined) throw new CribError('UNAVAILABLE', this.readiness().message);
    const ports = publishedPorts(request);
    if (!this.#hasFreeAddress()) await Promise.allSettled(this.#leaving.values());
    // From here to `save` nothing is awaited: two pods cannot be given the same.
    refuseConflicts(ports, this.#published());
    const taken = this.#taken();
    const addresses = this.#allocators.map((allocator) => allocator.take(taken));
    const record: BridgeRecord = {
      version: 1,
      kind: 'bridge',
      podId: request.podId,
      pod: `${request.metadata.namespace}/${request.metadata.name}`,
      bridge: this.#options.name,
      link: linkName(this.#options.name, request.podId),
      addresses: addresses.map(formatAddress),
      ports,
    };
    await step('bridge/record', () => this.#records.save(record, false));
    try {
      await this.#connect(record.link, bridge, request.netns, addresses);
      if (signal.aborted) throw new CribError('CANCELLED', `attaching pod ${record.pod}: the caller gave up`);
      await step('bridge/publish', () => publish(record, signal));
      return { ips: record.addresses, interfaceName: INTERFACE };
    } catch (error) {
      await this.#undo(record);
      throw attempting(`attaching pod ${record.pod} to bridge ${record.bridge}`, error);
    }
  }

  /**
   * Returns when the host ports are gone. The interface goes behind its back: the kernel waits for a grace period of
   * 20 ms before it is gone, and until then the record holds the address, also when the pod's own record is gone.
   */
  async detach(record: BridgeRecord, signal: AbortSignal): Promise<void> {
    if (this.#leaving.has(record.podId)) return;
    await this.#unpublish(record, signal);
    const removal = this.#removeInterface(record).finally(() => this.#leaving.delete(record.podId));
    this.#leaving.set(record.podId, removal);
    removal.catch((error: unknown) => {
      this.#log.warn({ pod: record.podId, error: messageOf(error) }, 'the interface of a pod could not be removed yet');
    });
  }

  async #unpublish(record: BridgeRecord, signal: AbortSignal): Promise<void> {
    const work = async () => {
      await step('bridge/unpublish', () => unpublish(record, signal));
      this.#unpublished.add(record.podId);
    };
    await (this.#failure === '' ? work() : this.#turns.run(work));
  }

  async #removeInterface(record: BridgeRecord): Promise<void> {
    for (let pause = REMOVAL_PAUSE_MS; ; pause *= 2) {
      try {
        await step('bridge/disconnect', () => removeLink(record.link));
        await step('bridge/forget', () => this.#records.remove(record.podId));
        this.#unpublished.delete(record.podId);
        return;
      } catch (error) {
        if (pause > LAST_REMOVAL_PAUSE_MS) throw error;
      }
      await sleep(pause);
    }
  }

  /** Removes bridge and table. Throws FAILED_PRECONDITION while a pod is attached. */
  async destroy(): Promise<void> {
    const { name } = this.#options;
    this.#end();
    await Promise.allSettled(this.#leaving.values());
    const [pod] = this.#own();
    if (pod !== undefined) {
      throw new CribError(
        'FAILED_PRECONDITION',
        `removing bridge ${name}: pod ${pod.pod} is attached; remove it first`,
      );
    }
    this.#bridge = undefined;
    this.#failure = 'it was removed';
    await removeLink(name);
    await deleteTable(name, AbortSignal.timeout(TIMEOUT_MS));
  }

  /** What is in the way of the network is not looked at any more. */
  #end(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  async #connect(link: string, bridge: Link, netns: string, addresses: readonly Address[]): Promise<void> {
    const [first] = addresses;
    if (first === undefined) return;
    await step('bridge/connect', () => this.#makePair(link, bridge, netns, first));
    await step('bridge/configure', () => this.#configure(netns, addresses));
  }

  async #makePair(link: string, bridge: Link, netns: string, first: Address): Promise<void> {
    const { mtu } = this.#options;
    const namespace = await fs.open(netns, 'r');
    try {
      const veth = { name: link, bridge: bridge.index, netns: namespace.fd, peerName: INTERFACE, mtu };
      await request(newVeth({ ...veth, peerHardware: hardwareAddress(first) }));
    } finally {
      await namespace.close();
    }
  }

  async #configure(netns: string, addresses: readonly Address[]): Promise<void> {
    const pod = new NetlinkSocket(netns);
    try {
      const eth0 = await findLink(pod, INTERFACE);
      if (eth0 === undefined) throw new CribError('INTERNAL', `${INTERFACE} is not in ${netns}`);
      const configured = this.#allocators.flatMap(({ gateway, prefix }, index) => {
        const address = addresses[index];
        if (address === undefined) return [];
        const own = addAddress(eth0.index, addressBytes(address), prefix);
        return [own, addDefaultRoute(eth0.index, addressBytes(gateway))];
      });
      await pod.request([setUp(eth0.index), ...configured]);
    } finally {
      pod.close();
    }
  }

  async #undo(record: BridgeRecord): Promise<void> {
    try {
      await this.detach(record, AbortSignal.timeout(TIMEOUT_MS));
    } catch (error) {
      this.#log.warn({ pod: record.podId, error: messageOf(error) }, 'a failed attachment could not be undone yet');
    }
  }

  /** False where only pods that are leaving still hold the last addresses. */
  #hasFreeAddress(): boolean {
    if (this.#leaving.size === 0) return true;
    const taken = this.#taken();
    try {
      for (const allocator of this.#allocators) allocator.take(taken);
      return true;
    } catch {
      return false;
    }
  }

  #own(): BridgeRecord[] {
    return this.#records.all().filter((r): r is BridgeRecord => r.kind === 'bridge' && r.bridge === this.#options.name);
  }

  /** Those whose host ports are theirs still. */
  #published(): BridgeRecord[] {
    return this.#own().filter(({ podId }) => !this.#unpublished.has(podId));
  }

  #taken(): ReadonlySet<string> {
    return new Set(
      this.#own()
        .flatMap((record) => record.addresses)
        .filter((text) => parseAddress(text)),
    );
  }
}

/** 15 characters, the most there is room for; the same again for the same pod. */
function linkName(bridge: string, podId: string): string {
  return `crib${crypto.createHash('sha256').update(`${bridge}/${podId}`).digest('hex').slice(0, 11)}`;
}

/** Idempotent. */
async function removeLink(name: string): Promise<void> {
  await request([deleteLink(name)], NO_LINK);
}

/** In the host's network namespace. */
async function request(messages: readonly NetlinkMessage[], tolerated: readonly number[] = []): Promise<void> {
  const socket = new NetlinkSocket();
  try {
    await socket.request(messages, tolerated);
  } finally {
    socket.close();
  }
}
