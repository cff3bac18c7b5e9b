/** RunPodSandbox: namespaces, network, ready. Killed at any line, the next start finds the record and undoes it. */

import { newId } from '../runtime/containers/ids.js';
import { attempting, CribError } from '../runtime/errors.js';
import type { NamespacePaths } from '../runtime/spec/types.js';
import { step } from '../runtime/steps.js';
import { Undo } from '../runtime/undo.js';
import { podRoutesOf } from '../volumes/policy.js';
import { verityRequestsOf } from '../volumes/verity/request.js';
import { Callers } from './callers.js';
import type { PodConfig } from './config.js';
import type { Node, PodCreation } from './node.js';
import { oomKillsBefore } from './out-of-memory.js';
import { detachNetwork } from './pod-network.js';
import { Pod, type PodRecord, podKey } from './pod-record.js';
import { sameConfig } from './same-config.js';
import { checkUserNamespace } from './user-namespace.js';

/**
 * Makes a pod and returns its id. The same metadata again joins the call in progress, or gets the pod that is ready;
 * ALREADY_EXISTS when that pod has another configuration. The making goes on while anybody waits for it.
 */
export async function runPod(node: Node, config: PodConfig, handler: string, signal: AbortSignal): Promise<string> {
  const key = podKey(config);
  for (let earlier = node.podNames.get(key); earlier !== undefined; earlier = node.podNames.get(key)) {
    const id = await outcomeOf(earlier, signal);
    if (id !== undefined) return joinEarlier(node, id, config, handler);
  }
  const callers = new Callers();
  callers.add(signal);
  const id = create(node, config, handler, callers.signal).catch((error: unknown) => {
    node.podNames.delete(key);
    throw error;
  });
  node.podNames.set(key, { id, callers });
  return id;
}

/** undefined: all who waited had given up before this call came, so what they wanted is undone by now. */
async function outcomeOf({ id, callers }: PodCreation, signal: AbortSignal): Promise<string | undefined> {
  callers?.add(signal);
  try {
    return await id;
  } catch (error) {
    if (callers?.signal.aborted === true && !signal.aborted) return undefined;
    throw error;
  }
}

function joinEarlier(node: Node, id: string, config: PodConfig, handler: string): string {
  const pod = node.pods.get(id);
  const name = `${config.metadata.namespace}/${config.metadata.name}`;
  if (pod.record.state !== 'ready') {
    throw new CribError('ALREADY_EXISTS', `pod ${name}: its sandbox ${id} is stopped; remove it or raise the attempt`);
  }
  const { requestedHandler = handler } = pod.record;
  if (requestedHandler !== handler || !sameConfig(pod.record.config, config)) {
    throw new CribError('ALREADY_EXISTS', `pod ${name}: sandbox ${id} has the same uid and attempt, but differs`);
  }
  return id;
}

async function create(node: Node, config: PodConfig, handler: string, signal: AbortSignal): Promise<string> {
  const { parts } = node;
  await parts.handlers.tried(handler);
  const name = parts.handlers.resolve(handler);
  parts.handlers.get(name).checkPod(config);
  const ownNetwork = config.security.namespaces.network !== 'node';
  const readiness = parts.network.readiness();
  if (ownNetwork && !readiness.ready) {
    throw new CribError('UNAVAILABLE', `the pod network is not ready: ${readiness.message}`);
  }
  const record = { ...newRecord(node, config, name), requestedHandler: handler };
  const backend = node.backend(record);
  checkUserNamespace(config, record.handler, backend.capabilities);
  podRoutesOf(config.annotations, parts.volumes.policyOf(record.handler, backend.capabilities), backend.capabilities);
  verityRequestsOf(config.annotations);
  const pod = new Pod(record);
  await node.unfinished.retry();
  await Undo.guard(node.unfinished, async (undo) => {
    // One step: the record goes last, for by it the next start finds what could not be taken back.
    undo.push('run-pod/undo', async () => {
      if (ownNetwork) await detachNetwork(node, pod.record, 25_000);
      await backend.release(record);
      await step('run-pod/forget', () => node.podRecords.remove(record.id));
    });
    // Not for a power cut, which leaves nothing of a pod that has not been reported.
    await step('run-pod/record', () => node.podRecords.save(record, false));
    await step('run-pod/prepare', () => backend.prepare(record));
    if (ownNetwork) {
      const ips = await step('run-pod/network', () => attach(node, record, signal));
      pod.record = { ...record, ips };
    }
    await step('run-pod/finish', () => backend.finish(pod.record));
    throwIfCancelled(signal, config);
    const past = await oomKillsBefore(node, record.cgroup);
    await step('run-pod/ready', () => node.updatePod(pod, () => ({ ...past, state: 'ready' })));
  });
  node.pods.add(pod);
  node.emit('created', pod.id, pod.id);
  node.emit('started', pod.id, pod.id);
  return pod.id;
}

function throwIfCancelled(signal: AbortSignal, config: PodConfig): void {
  if (signal.aborted) throw new CribError('CANCELLED', `running pod ${config.metadata.name}: the client gave up`);
}

async function attach(node: Node, record: PodRecord, signal: AbortSignal): Promise<readonly string[]> {
  const { config, id, cgroup, namespaces } = record;
  try {
    const attachment = await node.parts.network.attach(
      {
        podId: id,
        metadata: config.metadata,
        netns: namespaces.network,
        portMappings: config.portMappings,
        annotations: config.annotations,
        cgroupParent: cgroup,
        dns: config.dns,
      },
      signal,
    );
    return attachment.ips;
  } catch (error) {
    throw attempting(`setting up the network of pod ${config.metadata.namespace}/${config.metadata.name}`, error);
  }
}

function newRecord(node: Node, config: PodConfig, handler: string): PodRecord {
  const id = newId();
  const { network, ipc, pid, user } = config.security.namespaces;
  const pinned = (kind: string) => `${node.podDirectory(id)}/ns/${kind}`;
  const namespaces: NamespacePaths = {
    network: network === 'node' ? 'host' : pinned('net'),
    // A pod on the host's network has the host's name too (containerd and CRI-O agree).
    uts: network === 'node' ? 'host' : pinned('uts'),
    ipc: ipc === 'node' ? 'host' : pinned('ipc'),
    pid: pid === 'node' ? 'host' : pid === 'pod' ? 'pod' : 'new',
    ...(user === undefined ? {} : { user: { uids: user.uids, gids: user.gids, path: pinned('user') } }),
  };
  return {
    version: 1,
    id,
    config,
    handler,
    state: 'creating',
    createdAt: node.createdAfter(node.podsOf(config.metadata.uid)),
    ips: [],
    cgroup: node.parts.cgroupDriver.podCgroup(config.cgroupParent, id),
    ownsCgroup: config.cgroupParent === '',
    namespaces,
    bootId: node.parts.bootId,
  };
}
