/**
 * One nftables table for a bridge: one masquerade rule for each subnet, host ports in maps (nft(8)). A pod without host
 * ports costs nothing here. The table is replaced as a whole in one transaction when crib starts; established
 * connections are conntrack's and go on.
 */

import { CribError } from '../../../runtime/errors.js';
import type { Subnet } from '../addresses.js';
import { formatAddress } from '../addresses.js';
import { run } from '../run.js';
import { elementsOf } from './host-ports.js';
import type { BridgeRecord } from './record.js';

const TIMEOUT_MS = 10_000;

export function tableOf(bridge: string): string {
  return `crib_${bridge}`;
}

/** Makes the table, or makes it anew, with the host ports of `records` and no others. */
export async function replaceTable(
  bridge: string,
  subnets: readonly Subnet[],
  records: readonly BridgeRecord[],
  signal: AbortSignal,
): Promise<void> {
  const table = tableOf(bridge);
  const elements = records.flatMap((record) => elementsOf(record)).map((e) => addElement(table, e));
  const text = [`add table inet ${table}`, `delete table inet ${table}`, tableText(bridge, subnets), ...elements];
  await nft(text.join('\n'), `make table ${table}`, signal);
}

export async function deleteTable(bridge: string, signal: AbortSignal): Promise<void> {
  const table = tableOf(bridge);
  // Adding what is there is no error, deleting what is not there is one.
  await nft(`add table inet ${table}\ndelete table inet ${table}\n`, `delete table ${table}`, signal);
}

/** No process is started for a pod without host ports. */
export async function publish(record: BridgeRecord, signal: AbortSignal): Promise<void> {
  const table = tableOf(record.bridge);
  const lines = elementsOf(record).map((element) => addElement(table, element));
  if (lines.length > 0) await nft(lines.join('\n'), `publish host ports of pod ${record.pod}`, signal);
}

/** Idempotent, also when the table has gone: what is deleted is added before, in the same transaction. */
export async function unpublish(record: BridgeRecord, signal: AbortSignal): Promise<void> {
  const table = tableOf(record.bridge);
  const elements = elementsOf(record);
  if (elements.length === 0) return;
  const lines = elements.flatMap((entry) => {
    const key = entry.element.slice(0, entry.element.indexOf(' : '));
    return [addElement(table, entry), `delete element inet ${table} ${entry.map} { ${key} }`];
  });
  const text = [`table inet ${table} {`, MAPS, '}', ...lines].join('\n');
  await nft(text, `take back host ports of pod ${record.pod}`, signal);
}

const MAPS = `
  map ports4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map ports6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
  map ports4_of { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map ports6_of { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }`;

/**
 * `fib daddr type local` keeps a pod's own traffic to elsewhere from being taken for the host's. The masquerade of
 * what was redirected is for three cases that would be answered past the host: a pod that reaches itself or a neighbour
 * through a host port, and a client on 127.0.0.1. For that one the bridge has route_localnet, so `guard` drops what a pod
 * itself sends to 127.0.0.0/8 (CVE-2020-8558), before conntrack turns answers back.
 */
function tableText(bridge: string, subnets: readonly Subnet[]): string {
  const masquerade = subnets.map((subnet) => {
    const family = subnet.family === 4 ? 'ip' : 'ip6';
    const multicast = subnet.family === 4 ? '224.0.0.0/4' : 'ff00::/8';
    const range = `${formatAddress({ family: subnet.family, value: subnet.base })}/${subnet.prefix}`;
    return `    ${family} saddr ${range} ${family} daddr != { ${range}, ${multicast} } masquerade
    ${family} saddr ${range} ct status dnat oifname "${bridge}" masquerade`;
  });
  return `table inet ${tableOf(bridge)} {${MAPS}
  chain ports {
    dnat ip to ip daddr . meta l4proto . th dport map @ports4_of
    dnat ip to meta l4proto . th dport map @ports4
    ip6 daddr ::1 return
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6_of
    dnat ip6 to meta l4proto . th dport map @ports6
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname "${bridge}" ip daddr 127.0.0.0/8 drop
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local meta l4proto { tcp, udp, sctp } jump ports
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local meta l4proto { tcp, udp, sctp } jump ports
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${masquerade.join('\n')}
    ip saddr 127.0.0.0/8 ct status dnat oifname "${bridge}" masquerade
  }
}`;
}

function addElement(table: string, { map, element }: { map: string; element: string }): string {
  return `add element inet ${table} ${map} { ${element} }`;
}

async function nft(text: string, attempt: string, signal: AbortSignal): Promise<void> {
  const result = await run('nft', ['-f', '-'], { input: `${text}\n`, env: process.env, timeoutMs: TIMEOUT_MS, signal });
  if (result.exitCode === 0) return;
  throw new CribError('INTERNAL', `nftables: ${attempt}: ${result.stderr || `exit code ${result.exitCode}`}`);
}
