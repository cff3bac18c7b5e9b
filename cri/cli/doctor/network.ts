/** What the pods' network needs, as it is configured. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../../runtime/errors.js';
import type { Config } from '../config.js';
import { type Check, limited, missing, ok, program, readText, which } from './check.js';

export function networkChecks(config: Config): Promise<Check[]> {
  return config.network === 'bridge' ? bridgeChecks(config) : cniChecks(config);
}

async function bridgeChecks(config: Config): Promise<Check[]> {
  return [
    ok('network', `crib's own bridge ${config.bridgeName}, ${config.bridgeSubnets.join(', ')}`),
    await program('nft', 'nftables', 'masquerading and host ports'),
    await program('ip', 'iproute2', 'bridge and veth pairs'),
    await forwarding(),
  ];
}

/** crib switches it on itself where it may. */
async function forwarding(): Promise<Check> {
  const on = (await readText('/proc/sys/net/ipv4/ip_forward')) === '1';
  if (on) return ok('forwarding', 'net.ipv4.ip_forward is 1');
  return limited(
    'forwarding',
    'net.ipv4.ip_forward is 0: pods reach this host only',
    'sysctl -w net.ipv4.ip_forward=1',
  );
}

const OWN_NETWORK = "or set [network] mode to bridge in /etc/crib/config.toml to use crib's own network";

async function cniChecks(config: Config): Promise<Check[]> {
  const what = 'CNI configuration';
  const file = await firstConfiguration(config.cniConfDir);
  if (file === undefined) {
    const detail = `none in ${config.cniConfDir}: the node reports NetworkReady=false`;
    return [missing(what, detail, `install your cluster's CNI plugin, ${OWN_NETWORK}`)];
  }
  let plugins: string[];
  try {
    plugins = pluginsOf(JSON.parse(await fs.readFile(file, 'utf8')));
  } catch (error) {
    return [missing(what, `${file}: ${messageOf(error)}`, `mend ${file}`)];
  }
  const checks = [ok(what, file)];
  for (const name of new Set(plugins)) checks.push(await plugin(name, config.cniBinDir));
  if (plugins.includes('portmap') || plugins.includes('bridge')) {
    checks.push(await program('iptables', 'iptables', 'called by the plugins bridge and portmap'));
  }
  return checks;
}

async function plugin(name: string, directories: readonly string[]): Promise<Check> {
  const file = await which(name, directories);
  if (file !== undefined) return ok(`CNI ${name}`, file);
  return missing(
    `CNI ${name}`,
    `not in ${directories.join(', ')}`,
    `apt-get install containernetworking-plugins, ${OWN_NETWORK}`,
  );
}

/** In the order of libcni: by name, the first one that is a configuration. */
async function firstConfiguration(directory: string): Promise<string | undefined> {
  const names = await fs.readdir(directory).catch((): string[] => []);
  const first = names.filter((name) => /\.(conf|conflist|json)$/.test(name)).sort()[0];
  return first === undefined ? undefined : path.join(directory, first);
}

function pluginsOf(configuration: unknown): string[] {
  if (typeof configuration !== 'object' || configuration === null) throw new Error('it is not a JSON object');
  const list: unknown = Reflect.get(configuration, 'plugins') ?? [configuration];
  if (!Array.isArray(list)) throw new Error('plugins is not a list');
  return list.map((entry: unknown) => {
    const type: unknown = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'type') : undefined;
    if (typeof type !== 'string') throw new Error('a plugin has no type');
    return type;
  });
}
