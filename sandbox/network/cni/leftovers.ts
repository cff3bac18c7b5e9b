/** What a plugin that is no longer installed leaves behind, as far as the record and the host tell. Best effort. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { deleteLink, findLink, NO_LINK } from '../../../runtime/linux/links.js';
import { NetlinkSocket } from '../../../runtime/linux/netlink.js';
import { parseAddress } from '../addresses.js';
import { isObject, isString } from '../json.js';
import type { PluginConfig } from './config.js';
import type { CniRecord } from './record.js';
import { validateResult } from './result.js';

const HOST_LOCAL_DIRECTORY = '/var/lib/cni/networks';
const MAX_FILE = 4096;

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
