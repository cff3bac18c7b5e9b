/**
 * The CDI devices of this host. The directories are read anew for each container that asks for a device: device plug-ins
 * write their files whenever they like, and few containers ask.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError, messageOf } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { kindOf } from './names.js';
import { parseSpec } from './spec-file.js';
import type { CdiSpec, ContainerEdits } from './types.js';

const MAX_FILES = 1000;
const MAX_BYTES = 4 << 20;

interface Found {
  readonly spec: CdiSpec;
  readonly file: string;
  readonly edits: ContainerEdits;
  /** Index of its directory: the higher one wins. */
  readonly priority: number;
  /** Another file of the same directory that has it too. */
  readonly rival?: string;
}

export interface CdiRegistry {
  readonly devices: ReadonlyMap<string, Found>;
  /** Files that cannot be used, with the reason. */
  readonly broken: readonly string[];
}

/** Reads `directories`, the least important first; those that do not exist are empty. */
export async function readRegistry(directories: readonly string[]): Promise<CdiRegistry> {
  const devices = new Map<string, Found>();
  const broken: string[] = [];
  for (const [priority, directory] of directories.entries()) {
    for (const file of await filesIn(directory)) {
      try {
        addAll(devices, await readSpecFile(file), file, priority);
      } catch (error) {
        broken.push(`${file}: ${messageOf(error)}`);
      }
    }
  }
  return { devices, broken };
}

function addAll(devices: Map<string, Found>, spec: CdiSpec, file: string, priority: number): void {
  for (const { name, edits } of spec.devices) {
    const qualified = `${spec.kind}=${name}`;
    const other = devices.get(qualified);
    const rival = other?.priority === priority ? { rival: other.file } : {};
    devices.set(qualified, { spec, file, edits, priority, ...rival });
  }
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    const names = (await fs.readdir(directory)).filter((name) => /\.(json|ya?ml)$/.test(name));
    if (names.length > MAX_FILES)
      throw new CribError('RESOURCE_EXHAUSTED', `${directory}: more than ${MAX_FILES} files`);
    return names.sort().map((name) => path.join(directory, name));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Its hooks are run as root on the host: nobody else may have written it. */
async function readSpecFile(file: string): Promise<CdiSpec> {
  const handle = await fs.open(file, 'r');
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error('it is not a regular file');
    if (facts.uid !== 0 || (facts.mode & 0o002) !== 0) throw new Error('it must be of root and not writable by others');
    if (facts.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return await parseSpec(await handle.readFile('utf8'), !file.endsWith('.json'));
  } finally {
    await handle.close();
  }
}

/**
 * What these devices change in a container, in order; what a file changes for all of its devices comes once, before the
 * first of them. Throws NOT_FOUND for a device that no file has, FAILED_PRECONDITION where two files have it.
 */
export function editsFor(registry: CdiRegistry, names: readonly string[]): ContainerEdits[] {
  const edits: ContainerEdits[] = [];
  const specs = new Set<CdiSpec>();
  for (const name of names) {
    const found = registry.devices.get(name) ?? unknown(registry, name);
    if (found.rival !== undefined) {
      const message = `CDI device ${name} is in ${found.rival} and in ${found.file}: remove one of them`;
      throw new CribError('FAILED_PRECONDITION', message);
    }
    if (!specs.has(found.spec)) edits.push(found.spec.edits);
    specs.add(found.spec);
    edits.push(found.edits);
  }
  return edits;
}

function unknown(registry: CdiRegistry, name: string): never {
  const kind = kindOf(name) ?? '';
  const siblings = [...registry.devices.keys()].filter((other) => kindOf(other) === kind).slice(0, 10);
  const there = siblings.length > 0 ? `there are: ${siblings.join(', ')}` : `nothing of kind ${kind} is there`;
  const broken = registry.broken.length > 0 ? `; files that cannot be used: ${registry.broken.join('; ')}` : '';
  throw new CribError('NOT_FOUND', `CDI device ${name} is not on this host; ${there}${broken}`.slice(0, 4096));
}
