/** The host's side of the network: the bridge itself, and forwarding. */

import fs from 'node:fs/promises';
import { CribError } from '../../../runtime/errors.js';
import { errnoName } from '../../../runtime/linux/libc.js';
import { addAddress, findLink, type Link, newBridge, setUp } from '../../../runtime/linux/links.js';
import { NetlinkSocket } from '../../../runtime/linux/netlink.js';
import { type Address, addressBytes } from '../addresses.js';

const SYSCTL = '/proc/sys/net';

/** Makes the bridge where it is missing, with `gateways` as its addresses, and lets the host forward for it. */
export async function ensureBridge(
  name: string,
  gateways: readonly { readonly address: Address; readonly prefix: number }[],
  mtu: number | undefined,
): Promise<Link> {
  const socket = new NetlinkSocket();
  try {
    const existing = await findLink(socket, name);
    if (existing !== undefined && existing.kind !== 'bridge') {
      throw new CribError('FAILED_PRECONDITION', `interface ${name} exists and is no bridge; configure another name`);
    }
    const first = gateways[0]?.address;
    if (existing === undefined && first !== undefined) {
      await socket.request([newBridge(name, hardwareAddress(first), mtu)]);
    }
    const bridge = existing ?? (await findLink(socket, name));
    if (bridge === undefined) throw new CribError('INTERNAL', `bridge ${name} was made and is not there`);
    const addresses = gateways.map(({ address, prefix }) => addAddress(bridge.index, addressBytes(address), prefix));
    await socket.request([setUp(bridge.index), ...addresses]);
    await forward(name, new Set(gateways.map(({ address }) => address.family)));
    return bridge;
  } finally {
    socket.close();
  }
}

/** Locally administered, from the address as the CNI plugins do: a reused address keeps its neighbours' caches right. */
export function hardwareAddress(address: Address): Buffer {
  return Buffer.concat([Buffer.from([0x0a, 0x58]), addressBytes(address).subarray(-4)]);
}

async function forward(bridge: string, families: ReadonlySet<4 | 6>): Promise<void> {
  if (families.has(4)) {
    await writeSysctl('ipv4/ip_forward', '1');
    // Clients on 127.0.0.1 reach host ports; nftables.ts guards the host's loopback against pods.
    await writeSysctl(`ipv4/conf/${bridge}/route_localnet`, '1');
  }
  if (families.has(6)) {
    if ((await readSysctl('ipv6/conf/all/forwarding')) === '1') return;
    await keepRouterAdvertisements();
    await writeSysctl('ipv6/conf/all/forwarding', '1');
  }
}

/** A forwarding host ignores router advertisements unless accept_ra is 2: without this it would lose its own route. */
async function keepRouterAdvertisements(): Promise<void> {
  for (const name of await fs.readdir(`${SYSCTL}/ipv6/conf`)) {
    const key = `ipv6/conf/${name}/accept_ra`;
    if (name !== 'all' && (await readSysctl(key)) === '1') await writeSysctl(key, '2');
  }
}

async function readSysctl(key: string): Promise<string | undefined> {
  try {
    return (await fs.readFile(`${SYSCTL}/${key}`, 'utf8')).trim();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined; // An interface that has just gone.
    throw error;
  }
}

/** Written only where it differs: /proc/sys may be read-only and right already. */
async function writeSysctl(key: string, value: string): Promise<void> {
  const current = await readSysctl(key);
  if (current === value) return;
  try {
    await fs.writeFile(`${SYSCTL}/${key}`, value);
  } catch (cause) {
    const why = errnoName(cause) ?? 'failed';
    throw new CribError('FAILED_PRECONDITION', `sysctl net/${key} must be ${value} for pod traffic: ${why}`, { cause });
  }
}
