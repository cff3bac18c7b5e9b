/** Messages of rtnetlink(7) about links, addresses and routes, for NetlinkSocket; and questions about a link. */

import os from 'node:os';
import { SyscallError } from './libc.js';
import {
  attribute,
  type NetlinkMessage,
  type NetlinkSocket,
  NLM_F,
  nested,
  numberAttribute,
  parseAttributes,
  stringAttribute,
} from './netlink.js';

const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, NEWADDR: 20, NEWROUTE: 24 } as const;
const IFLA = { ADDRESS: 1, IFNAME: 3, MTU: 4, MASTER: 10, LINKINFO: 18, NET_NS_FD: 28 } as const;
const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
const VETH_INFO_PEER = 1;
const IFLA_BRPORT_MODE = 4;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
const IFA_F_NODAD = 2;
const RTA = { OIF: 4, GATEWAY: 5 } as const;
const IFF_UP = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const { ENODEV, ENOENT } = os.constants.errno;

/** errnos of a link that is not there, for `NetlinkSocket.request`. */
export const NO_LINK: readonly number[] = [ENODEV];

export interface Link {
  readonly index: number;
  /** `veth`, `bridge` …; empty for a physical one. */
  readonly kind: string;
}

/** A new bridge that is up, with a hardware address of its own (6 bytes), so that ports do not change it. */
export function newBridge(name: string, hardware: Buffer, mtu: number | undefined): NetlinkMessage {
  const attributes = [
    stringAttribute(IFLA.IFNAME, name),
    attribute(IFLA.ADDRESS, hardware),
    ...mtuAttribute(mtu),
    nested(IFLA.LINKINFO, stringAttribute(IFLA_INFO.KIND, 'bridge')),
  ];
  return message(RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, linkBody(0, IFF_UP, attributes), `create bridge ${name}`);
}

/** Sets an existing link up. */
export function setUp(index: number): NetlinkMessage {
  return message(RTM.NEWLINK, 0, linkBody(index, IFF_UP, []), `set interface ${index} up`);
}

export interface VethRequest {
  readonly name: string;
  /** Index of the bridge that `name` becomes a port of. */
  readonly bridge: number;
  /** Descriptor of the namespace in which the peer is made. */
  readonly netns: number;
  readonly peerName: string;
  readonly peerHardware: Buffer;
  readonly mtu: number | undefined;
}

/**
 * A veth pair, the peer made in another namespace; then the port's hairpin mode. The peer is down: the kernel opens it
 * before the two are joined, which fails with ENOTCONN.
 */
export function newVeth(veth: VethRequest): NetlinkMessage[] {
  const peer = [
    stringAttribute(IFLA.IFNAME, veth.peerName),
    attribute(IFLA.ADDRESS, veth.peerHardware),
    numberAttribute(IFLA.NET_NS_FD, veth.netns),
    ...mtuAttribute(veth.mtu),
  ];
  const name = stringAttribute(IFLA.IFNAME, veth.name);
  const data = nested(IFLA_INFO.DATA, attribute(VETH_INFO_PEER, linkBody(0, 0, peer)));
  const create = linkBody(0, IFF_UP, [
    name,
    numberAttribute(IFLA.MASTER, veth.bridge),
    ...mtuAttribute(veth.mtu),
    nested(IFLA.LINKINFO, stringAttribute(IFLA_INFO.KIND, 'veth'), data),
  ]);
  const hairpin = nested(IFLA_INFO.SLAVE_DATA, attribute(IFLA_BRPORT_MODE, Buffer.from([1])));
  const port = linkBody(0, 0, [name, nested(IFLA.LINKINFO, stringAttribute(IFLA_INFO.SLAVE_KIND, 'bridge'), hairpin)]);
  return [
    message(RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, create, `create veth pair ${veth.name}`),
    message(RTM.NEWLINK, 0, port, `set hairpin mode of ${veth.name}`),
  ];
}

/** Removes a link by name, with its peer. */
export function deleteLink(name: string): NetlinkMessage {
  return message(RTM.DELLINK, 0, linkBody(0, 0, [stringAttribute(IFLA.IFNAME, name)]), `delete interface ${name}`);
}

/** Gives a link an address, 4 or 16 bytes, usable at once (no duplicate address detection). Again is no error. */
export function addAddress(index: number, address: Buffer, prefix: number): NetlinkMessage {
  const body = Buffer.alloc(8);
  body.writeUInt8(address.length === 4 ? AF_INET : AF_INET6, 0);
  body.writeUInt8(prefix, 1);
  body.writeUInt32LE(index, 4);
  const attributes = [
    attribute(IFA.LOCAL, address),
    attribute(IFA.ADDRESS, address),
    ...(address.length === 4 ? [attribute(IFA.BROADCAST, broadcast(address, prefix))] : []),
    numberAttribute(IFA.FLAGS, IFA_F_NODAD),
  ];
  const what = `add an address to interface ${index}`;
  return message(RTM.NEWADDR, NLM_F.CREATE | NLM_F.REPLACE, Buffer.concat([body, ...attributes]), what);
}

/** The default route by `gateway` (4 or 16 bytes) in the main table. */
export function addDefaultRoute(index: number, gateway: Buffer): NetlinkMessage {
  const body = Buffer.alloc(12);
  body.writeUInt8(gateway.length === 4 ? AF_INET : AF_INET6, 0);
  body.writeUInt8(254, 4); // RT_TABLE_MAIN
  body.writeUInt8(3, 5); // RTPROT_BOOT
  body.writeUInt8(1, 7); // RTN_UNICAST
  const attributes = [attribute(RTA.GATEWAY, gateway), numberAttribute(RTA.OIF, index)];
  const what = `add the default route to interface ${index}`;
  return message(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, Buffer.concat([body, ...attributes]), what);
}

/** The link of that name in the socket's namespace; undefined when there is none. */
export async function findLink(socket: NetlinkSocket, name: string): Promise<Link | undefined> {
  const body = linkBody(0, 0, [stringAttribute(IFLA.IFNAME, name)]);
  const [answer] = await socket.ask([message(RTM.GETLINK, 0, body, `find interface ${name}`)]);
  const data = answer?.data[0];
  if (data === undefined) {
    const errno = answer?.errno ?? ENODEV;
    if (errno === ENODEV || errno === ENOENT) return undefined;
    throw new SyscallError('rtnetlink', errno, `find interface ${name}`);
  }
  const info = parseAttributes(data.subarray(16)).get(IFLA.LINKINFO);
  const kind = info === undefined ? undefined : parseAttributes(info).get(IFLA_INFO.KIND);
  return { index: data.readInt32LE(4), kind: kind?.toString('latin1').replace(/\0.*$/s, '') ?? '' };
}

function message(type: number, flags: number, body: Buffer, what: string): NetlinkMessage {
  return { type, flags, body, what };
}

/** struct ifinfomsg and its attributes; `flags` are those to set. */
function linkBody(index: number, flags: number, attributes: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return Buffer.concat([header, ...attributes]);
}

function mtuAttribute(mtu: number | undefined): Buffer[] {
  return mtu === undefined ? [] : [numberAttribute(IFLA.MTU, mtu)];
}

function broadcast(address: Buffer, prefix: number): Buffer {
  const result = Buffer.alloc(4);
  const hosts = prefix === 0 ? 0xffffffff : 2 ** (32 - prefix) - 1;
  result.writeUInt32BE((address.readUInt32BE(0) | hosts) >>> 0);
  return result;
}
