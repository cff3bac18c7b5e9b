/** The files that a pod gives its containers: hostname, hosts, resolv.conf and the shared memory they have in common. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { allDone } from '../../runtime/all-done.js';
import { MS } from '../../runtime/linux/constants.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { mount } from '../../runtime/linux/mounts.js';
import type { DnsConfig } from '../config.js';
import type { PodRecord } from '../pod-record.js';
import { outside } from './owners.js';

const SHM_SIZE = '65536k';

/** Writes hostname and resolv.conf below `directory`. */
export async function makePodFiles(pod: PodRecord, directory: string): Promise<void> {
  const hostname = pod.config.hostname || os.hostname();
  const owner = ownerOf(pod);
  const resolv = await resolvConf(pod.config.dns);
  await allDone([
    writePublic(path.join(directory, 'hostname'), `${hostname}\n`, owner),
    writePublic(path.join(directory, 'resolv.conf'), resolv, owner),
  ]);
}

/** Mounts the pod's /dev/shm below `directory`, unless it has the host's. */
export async function makePodShm(pod: PodRecord, directory: string): Promise<void> {
  if (pod.namespaces.ipc !== 'host') await mountShm(path.join(directory, 'shm'), ownerOf(pod));
}

/** Writes /etc/hosts, for clients that mount none of their own (a kubelet does): the host's, or the pod's own names. */
export async function writeHosts(pod: PodRecord, directory: string): Promise<void> {
  const text = pod.namespaces.network === 'host' ? await hostFile('/etc/hosts') : ownHosts(pod);
  await writePublic(path.join(directory, 'hosts'), text, ownerOf(pod));
}

/** Path in the container to path on the host, of everything `makePodFiles` and `writeHosts` made. */
export function podFiles(pod: PodRecord, directory: string): { destination: string; source: string }[] {
  const shm = pod.namespaces.ipc === 'host' ? '/dev/shm' : path.join(directory, 'shm');
  return [
    { destination: '/etc/hosts', source: path.join(directory, 'hosts') },
    { destination: '/etc/hostname', source: path.join(directory, 'hostname') },
    { destination: '/etc/resolv.conf', source: path.join(directory, 'resolv.conf') },
    { destination: '/dev/shm', source: shm },
  ];
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The root of the pod's user namespace: to its containers these files are root's, as they are in every other pod. */
function ownerOf({ namespaces: { user } }: PodRecord): Owner {
  return { uid: outside(user?.uids, 0), gid: outside(user?.gids, 0) };
}

async function mountShm(target: string, { uid, gid }: Owner): Promise<void> {
  await fs.mkdir(target, { recursive: true });
  const options = `mode=1777,size=${SHM_SIZE},uid=${uid},gid=${gid}`;
  mount('shm', target, 'tmpfs', MS.NOEXEC | MS.NOSUID | MS.NODEV, options);
}

/** resolv.conf(5). Without a DNS configuration, or with an empty one, the node's own is used. */
async function resolvConf(dns: DnsConfig | undefined): Promise<string> {
  if (dns === undefined || dns.servers.length + dns.searches.length + dns.options.length === 0) {
    return hostFile('/etc/resolv.conf');
  }
  const lines = dns.servers.map((server) => `nameserver ${server}`);
  if (dns.searches.length > 0) lines.unshift(`search ${dns.searches.join(' ')}`);
  if (dns.options.length > 0) lines.push(`options ${dns.options.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function ownHosts(pod: PodRecord): string {
  const names = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];
  for (const ip of pod.ips) names.push(`${ip}\t${pod.config.hostname || os.hostname()}`);
  return `${names.join('\n')}\n`;
}

async function hostFile(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return '';
    throw error;
  }
}

async function writePublic(file: string, text: string, { uid, gid }: Owner): Promise<void> {
  await fs.writeFile(file, text, { mode: 0o644 });
  await fs.chmod(file, 0o644);
  await fs.chown(file, uid, gid);
}
