/** What plugins leave behind that are no longer installed, or that find no namespace, as far as the record and the host tell. Best effort. */

import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../../runtime/errors.js';
import { deleteLink, findLink, NO_LINK } from '../../../runtime/linux/links.js';
import { NetlinkSocket } from '../../../runtime/linux/netlink.js';
import { parseAddress } from '../addresses.js';
import { isObject, isString } from '../json.js';
import { run } from '../run.js';
import type { PluginConfig } from './config.js';
import type { CniRecord } from './record.js';
import { validateResult } from './result.js';

const HOST_LOCAL_DIRECTORY = '/var/lib/cni/networks';
const MAX_FILE = 4096;
const IPTABLES_TIMEOUT_MS = 10_000;

/** Removes the host's ends of veth pairs that the result names: its bridges are other pods' too. */
export async function removeHostLinks(record: CniRecord): Promise<void> {
  if (record.result === undefined) return;
  const names = validateResult(record.result, record.config.name)
    .interfaces.filter((link) => link.sandbox === '')
    .map((link) => link.name);
  const socket = new NetlinkSocket();
  try {
    for (const name of names) {
      const link = await findLink(socket, name);
      if (link?.kind === 'veth') await socket.request([deleteLink(name)], NO_LINK);
    }
  } finally {
    socket.close();
  }
}

/** Removes host-local's reservations for the pod: a file for each address, with the container's id on its first line. */
export async function releaseHostLocal(record: CniRecord, plugin: PluginConfig): Promise<void> {
  const { ipam } = plugin;
  if (!isObject(ipam) || ipam.type !== 'host-local') return;
  const directory = path.join(isString(ipam.dataDir) ? ipam.dataDir : HOST_LOCAL_DIRECTORY, record.config.name);
  const names = await fs.readdir(directory).catch(() => []);
  for (const name of names) {
    // host-local writes the colons of IPv6 as they are; anything else is its lock and its cursor.
    if (parseAddress(name) === undefined) continue;
    const file = path.join(directory, name);
    const stat = await fs.lstat(file);
    if (!stat.isFile() || stat.size > MAX_FILE) continue;
    const owner = (await fs.readFile(file, 'utf8')).split(/\r?\n/, 1)[0]?.trim();
    if (owner === record.podId) await fs.rm(file, { force: true });
  }
}

/**
 * Removes the masquerade chain of the reference plugins (bridge, ptp: `ipMasq`), which they forget themselves when the
 * namespace has gone. The names are those of their pkg/utils and pkg/ip; what is not there is passed over.
 */
export async function removeMasquerade(record: CniRecord, plugin: PluginConfig, signal: AbortSignal): Promise<void> {
  if (plugin.ipMasq !== true || record.result === undefined) return;
  const { name } = record.config;
  const hash = crypto.createHash('sha512').update(`${name}${record.podId}`).digest('hex');
  const chain = `CNI-${hash.slice(0, 24)}`;
  const comment = `name: "${name}" id: "${record.podId}"`;
  for (const { address } of validateResult(record.result, name).ips) {
    const tool = parseAddress(address)?.family === 6 ? 'ip6tables' : 'iptables';
    const nat = (...args: string[]) => iptables(tool, args, signal);
    await nat('-D', 'POSTROUTING', '-s', address, '-j', chain, '-m', 'comment', '--comment', comment);
    await nat('-F', chain);
    await nat('-X', chain);
  }
}

/** A host without iptables has no such rules; a refusal says that the rule is not there. */
async function iptables(tool: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const options = { input: '', env: process.env, timeoutMs: IPTABLES_TIMEOUT_MS, signal };
  try {
    await run(tool, ['-w', '5', '-t', 'nat', ...args], options);
  } catch (error) {
    if (codeOf(error) !== 'NOT_FOUND') throw error;
  }
}
