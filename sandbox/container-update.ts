/** UpdateContainerResources: cgroup limits of a container that runs, or that is to run. */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { Resources } from '../runtime/containers/config.js';
import { attempting, CribError } from '../runtime/errors.js';
import { buildResources } from '../runtime/spec/resources.js';
import type { OciSpec } from '../runtime/spec/types.js';
import type { Container, ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import { measured } from './stats.js';

/** Fields that are zero or empty keep the value they have (CRI, LinuxContainerResources). */
export async function updateContainer(node: Node, id: string, change: Resources): Promise<void> {
  const container = node.containers.get(id);
  await container.serial.run(() => update(node, container, change));
}

async function update(node: Node, container: Container, change: Resources): Promise<void> {
  const { record } = container;
  if (record.state === 'exited') {
    throw new CribError('FAILED_PRECONDITION', `container ${record.id} has exited: it has no resources to update`);
  }
  const resources = merge(record.resources, change);
  try {
    if (record.state === 'running') {
      const backend = node.parts.handlers.existing(record.runtime);
      if (change.memoryLimit > 0) await requireRoom(node, record, resources);
      // A period alone would have runc set the quota again that it remembers.
      const told = resources.cpuQuota < 0 ? { ...resources, cpuPeriod: 0 } : resources;
      const ofRuntime = buildResources(told, node.parts.host);
      await backend.update({ ...record, resources }, ofRuntime, node.runningBeside(record));
    }
    // Of one that runs too: security agents and people read its limits in what ContainerStatus shows of it.
    await rewriteBundle(node, container, resources);
  } catch (error) {
    throw attempting(`updating the resources of container ${record.id.slice(0, 13)}`, error);
  }
  await node.updateContainer(container, { resources });
}

/**
 * Cgroup v2 takes a limit that is below what is in use, and kills for it; v1 refuses, after it has tried. Counted is what
 * no file backs: all else the kernel can let go of.
 */
async function requireRoom(node: Node, record: ContainerRecord, resources: Resources): Promise<void> {
  const { memoryLimit, memorySwapLimit, unified } = resources;
  const swaps = memorySwapLimit < 0 || memorySwapLimit > memoryLimit || (unified['memory.swap.max'] ?? '0') !== '0';
  if (swaps) return;
  const read = () => node.parts.handlers.existing(record.runtime).stats(record);
  const used = (await measured(node, { container: record.id }, read))?.stats.memoryRss ?? 0;
  if (used <= memoryLimit) return;
  const message = `memory_limit_in_bytes is ${memoryLimit}, but it uses ${used}, and would be killed`;
  throw new CribError('FAILED_PRECONDITION', message);
}

function merge(current: Resources, change: Resources): Resources {
  return {
    cpuPeriod: change.cpuPeriod || current.cpuPeriod,
    cpuQuota: change.cpuQuota || current.cpuQuota,
    cpuShares: change.cpuShares || current.cpuShares,
    memoryLimit: change.memoryLimit || current.memoryLimit,
    memorySwapLimit: change.memorySwapLimit || current.memorySwapLimit,
    oomScoreAdj: change.oomScoreAdj || current.oomScoreAdj,
    cpusetCpus: change.cpusetCpus || current.cpusetCpus,
    cpusetMems: change.cpusetMems || current.cpusetMems,
    hugepageLimits: change.hugepageLimits.length > 0 ? change.hugepageLimits : current.hugepageLimits,
    unified: { ...current.unified, ...change.unified },
  };
}

async function rewriteBundle(node: Node, container: Container, resources: Resources): Promise<void> {
  const file = path.join(node.bundle(container.id), 'config.json');
  const spec = JSON.parse(await fs.readFile(file, 'utf8')) as OciSpec & { linux: { resources: object } };
  spec.linux.resources = { ...spec.linux.resources, ...buildResources(resources, node.parts.host) };
  await fs.writeFile(`${file}.tmp`, JSON.stringify(spec), { mode: 0o600 });
  await fs.rename(`${file}.tmp`, file);
}
