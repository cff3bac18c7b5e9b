/** A CNI network as a node has it: bridge with masquerading, host-local addresses, portmap. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';

export interface BenchNetwork {
  readonly confDir: string;
  readonly bridge: string;
  /** Packet filter rules of this network have it in them. */
  readonly name: string;
}

/** Each runtime has a network of its own, of the same make: neither finds addresses or chains of the other's. */
export async function writeNetwork(dir: string, tag: string): Promise<BenchNetwork> {
  const confDir = join(dir, `cni-${tag}`);
  const name = `crib-bench-${process.pid}-${tag}`;
  const bridge = `cb${process.pid}${tag}`;
  const subnet = await freeSubnet();
  const ipam = {
    type: 'host-local',
    dataDir: join(dir, `ipam-${tag}`),
    ranges: [[{ subnet }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const plugins = [
    { type: 'bridge', bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
    { type: 'portmap', capabilities: { portMappings: true }, snat: true },
  ];
  await mkdir(confDir, { recursive: true });
  await writeFile(join(confDir, '10-bench.conflist'), JSON.stringify({ cniVersion: '1.0.0', name, plugins }));
  return { confDir, bridge, name };
}

const given = new Set<number>();

/** A /22 of 10.244.0.0/16 that no route here covers and that this run has not given out. */
export async function freeSubnet(): Promise<string> {
  const routes = (await command('ip', ['-4', 'route'])).toString();
  for (let n = 0; n < 64; n++) {
    const third = ((n + process.pid) % 64) * 4;
    if (given.has(third) || routes.includes(`10.244.${third}.`)) continue;
    given.add(third);
    return `10.244.${third}.0/22`;
  }
  throw new Error('every /22 of 10.244.0.0/16 has a route here: no subnet is left for the benchmark');
}

/** A bridge stays when its last pod goes. */
export async function removeBridge(bridge: string): Promise<void> {
  await command('ip', ['link', 'delete', bridge]).catch(() => {});
}
