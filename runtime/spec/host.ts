/** What this host can do, found out once at start. Nothing here fails: what cannot be read is not there. */

import fs from 'node:fs/promises';
import { FS_MAGIC } from '../linux/constants.js';
import { statFilesystem } from '../linux/files.js';
import { parseMountInfo } from '../linux/mountinfo.js';
import { originalFileLimit } from '../linux/open-files.js';
import { CAPABILITY_NAMES, capabilitiesOfMask } from './capabilities.js';
import type { HostFacts } from './types.js';

const CGROUP_ROOT = '/sys/fs/cgroup';

/** Reads /proc and /sys. A hybrid of cgroup v1 and v2 is v1: that is where its controllers are. */
export async function discoverHostFacts(): Promise<HostFacts> {
  const [status, oomScoreAdj, apparmor, selinux, seccompActions, hugepages] = await Promise.all([
    readText('/proc/self/status'),
    readText('/proc/self/oom_score_adj'),
    readText('/sys/module/apparmor/parameters/enabled'),
    exists('/sys/fs/selinux/enforce'),
    exists('/proc/sys/kernel/seccomp/actions_avail'),
    fs.readdir('/sys/kernel/mm/hugepages').catch(() => []),
  ]);
  const cgroupVersion = cgroupVersionHere();
  const cgroups = cgroupVersion === 2 ? await unifiedFacts() : await legacyFacts();
  const effective = statusMask(status, 'CapEff');
  return {
    cgroupVersion,
    oomScoreAdjFloor: effective.includes('CAP_SYS_RESOURCE') ? -1000 : Number(oomScoreAdj) || 0,
    seccomp: seccompActions || /^Seccomp:/m.test(status),
    apparmor: apparmor.startsWith('Y'),
    selinux,
    capabilities: statusMask(status, 'CapBnd'),
    hugepageSizes: hugepages.map(hugepageSize).filter((size) => size !== undefined),
    openFiles: originalFileLimit(process.env),
    ...cgroups,
  };
}

function cgroupVersionHere(): 1 | 2 {
  try {
    return statFilesystem(CGROUP_ROOT).type === FS_MAGIC.CGROUP2 ? 2 : 1;
  } catch {
    return 1;
  }
}

/** proc_pid_status(5): capability sets are hexadecimal masks. */
function statusMask(status: string, key: string): string[] {
  const digits = new RegExp(`^${key}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return digits === undefined ? [...CAPABILITY_NAMES] : capabilitiesOfMask(BigInt(`0x${digits}`));
}

/** `hugepages-2048kB` is `2MB` to the OCI runtime (config-linux.md, "Huge page limits"). */
export function hugepageSize(directory: string): string | undefined {
  const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(directory)?.[1] ?? 0);
  if (kilobytes === 0) return undefined;
  if (kilobytes % (1024 * 1024) === 0) return `${kilobytes / (1024 * 1024)}GB`;
  return kilobytes % 1024 === 0 ? `${kilobytes / 1024}MB` : `${kilobytes}KB`;
}

type CgroupFacts = Pick<HostFacts, 'controllers' | 'swapAccounting'>;

/** cgroups(7): each v1 hierarchy names its controllers among the options of its super block. */
async function legacyFacts(): Promise<CgroupFacts> {
  const hierarchies = parseMountInfo(await readText('/proc/self/mountinfo')).filter(
    ({ fsType }) => fsType === 'cgroup',
  );
  const known = new Set((await readText('/proc/cgroups')).split('\n').map((line) => line.split('\t')[0] ?? ''));
  const controllers = hierarchies.flatMap(({ superOptions }) => superOptions).filter((name) => known.has(name));
  const memory = hierarchies.find(({ superOptions }) => superOptions.includes('memory'));
  return {
    controllers: [...new Set(controllers)],
    swapAccounting: memory !== undefined && (await exists(`${memory.mountPoint}/memory.memsw.limit_in_bytes`)),
  };
}

/** The root cgroup has no memory.swap.max: then any other one tells (cgroup-v2.rst). */
async function unifiedFacts(): Promise<CgroupFacts> {
  const controllers = (await readText(`${CGROUP_ROOT}/cgroup.controllers`)).split(/\s+/).filter((name) => name !== '');
  const own = /^0::(\/.*)$/m.exec(await readText('/proc/self/cgroup'))?.[1] ?? '/';
  const children = await fs.readdir(CGROUP_ROOT, { withFileTypes: true }).catch(() => []);
  const candidates = [own, ...children.filter((entry) => entry.isDirectory()).map((entry) => `/${entry.name}`)];
  for (const candidate of candidates) {
    if (await exists(`${CGROUP_ROOT}${candidate}/memory.swap.max`)) return { controllers, swapAccounting: true };
  }
  return { controllers, swapAccounting: false };
}

async function readText(file: string): Promise<string> {
  return fs.readFile(file, 'utf8').catch(() => '');
}

async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}
