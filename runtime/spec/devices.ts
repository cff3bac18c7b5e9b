/** Devices of the host: those a container asks for, and all of them for privileged ones. */

import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { DeviceConfig } from '../containers/config.js';
import { CribError, messageOf } from '../errors.js';
import { splitDevice } from '../linux/files.js';
import { errnoName } from '../linux/libc.js';
import { checkAbsolute, invalid } from './checks.js';
import type { HostDevice, ResolvedDevice } from './types.js';

/** A node with thousands of disks has a few ten thousand entries; more is a loop or an attack. */
const MAX_ENTRIES = 65_536;
const MAX_DEPTH = 16;

/** Not devices of the host, or made anew in each container (containerd and runc leave the same out). */
const SKIPPED = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console', 'ptmx']);

/**
 * CRI Device: a symlink is followed, a directory stands for every device below it. Throws INVALID_ARGUMENT naming the
 * field where there is no such device, or the permissions are not of r, w and m.
 */
export async function resolveDevices(devices: readonly DeviceConfig[]): Promise<ResolvedDevice[]> {
  const resolved = await Promise.all(devices.map((device, index) => resolveDevice(device, `config.devices[${index}]`)));
  return resolved.flat();
}

async function resolveDevice(device: DeviceConfig, field: string): Promise<ResolvedDevice[]> {
  const { permissions } = device;
  if (!/^[rwm]{1,3}$/.test(permissions) || new Set(permissions).size !== permissions.length) {
    throw invalid(`${field}.permissions`, `${JSON.stringify(permissions)} is not one or more of r, w and m`);
  }
  const hostPath = checkAbsolute(`${field}.host_path`, device.hostPath);
  const containerPath =
    device.containerPath === '' ? hostPath : checkAbsolute(`${field}.container_path`, device.containerPath);
  const { real, facts } = await follow(hostPath, `${field}.host_path`);
  if (facts.isDirectory()) {
    const found = await walk(real, (file) => path.posix.join(containerPath, path.posix.relative(real, file)));
    if (found.length === 0) throw invalid(`${field}.host_path`, `there is no device below directory ${hostPath}`);
    return found.map((entry) => ({ ...entry, access: permissions }));
  }
  const found = toDevice(containerPath, facts);
  if (found === undefined) throw invalid(`${field}.host_path`, `${hostPath} is not a device`);
  return [{ ...found, access: permissions }];
}

async function follow(hostPath: string, field: string): Promise<{ real: string; facts: Stats }> {
  try {
    const real = await fs.realpath(hostPath);
    return { real, facts: await fs.lstat(real) };
  } catch (error) {
    throw new CribError('INVALID_ARGUMENT', `${field}: looking up device ${hostPath}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Every character and block device under /dev, for a privileged container. */
export async function hostDevices(directory = '/dev'): Promise<HostDevice[]> {
  return walk(directory, (file) => file);
}

/** Without following symlinks; FIFOs are left out, and what disappears meanwhile. */
async function walk(root: string, nameOf: (file: string) => string): Promise<HostDevice[]> {
  const found: HostDevice[] = [];
  const pending = [{ directory: root, depth: 0 }];
  let seen = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await readDirectory(next.directory)) {
      seen += 1;
      if (seen > MAX_ENTRIES || next.depth > MAX_DEPTH) {
        throw new CribError('RESOURCE_EXHAUSTED', `more than ${MAX_ENTRIES} entries or ${MAX_DEPTH} levels in ${root}`);
      }
      const file = path.posix.join(next.directory, entry.name);
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) pending.push({ directory: file, depth: next.depth + 1 });
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) continue;
      const device = await statDevice(file, nameOf(file));
      if (device !== undefined) found.push(device);
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function readDirectory(directory: string) {
  try {
    return await fs.readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw new CribError('INTERNAL', `listing the devices in ${directory}: ${messageOf(error)}`, { cause: error });
  }
}

async function statDevice(file: string, name: string): Promise<HostDevice | undefined> {
  try {
    return toDevice(name, await fs.lstat(file));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function toDevice(name: string, facts: Stats): HostDevice | undefined {
  const type = typeOf(facts);
  if (type === undefined) return undefined;
  const { major, minor } = splitDevice(facts.rdev);
  return { path: name, type, major, minor, fileMode: facts.mode & 0o7777, uid: facts.uid, gid: facts.gid };
}

function typeOf(facts: Stats): HostDevice['type'] | undefined {
  if (facts.isCharacterDevice()) return 'c';
  if (facts.isBlockDevice()) return 'b';
  return facts.isFIFO() ? 'p' : undefined;
}
