/** A node in a temporary directory whose keeper, backend and network are a test's: what is on disk is real. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Keeper } from '../../runtime/keeper/protocol.js';
import type { SandboxBackend } from '../../sandbox/backend.js';
import { Container, type ContainerRecord } from '../../sandbox/container-record.js';
import type { PodNetwork } from '../../sandbox/network/types.js';
import { Node } from '../../sandbox/node.js';
import { Pod, type PodRecord } from '../../sandbox/pod-record.js';
import { recordingLog } from './log.js';
import { fakeParts } from './node-parts.js';
import { containerRecord, podRecord } from './records.js';

export interface Fakes {
  readonly keeper?: Partial<Keeper>;
  readonly backend?: Partial<SandboxBackend>;
  readonly network?: Partial<PodNetwork>;
  /** Further parts of the node, such as `sampler`. */
  readonly parts?: object;
}

export async function fakeNode(t: TestContext, { keeper = {}, backend = {}, network = {}, parts = {} }: Fakes) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-fake-node-'));
  const { log, lines } = recordingLog();
  const made = fakeParts(root, log, keeper);
  Object.assign(made.handlers.get('host'), backend);
  Object.assign(made.network, network);
  Object.assign(made, { writableLayers: { forget: () => undefined } }, parts);
  const node = new Node(made);
  const events: string[] = [];
  node.emit = (type, id) => void events.push(`${type} ${id}`);
  t.after(() => fs.rm(root, { recursive: true, force: true }));
  const addPod = async (change: Partial<PodRecord> = {}) => {
    const pod = new Pod({ ...podRecord('pod'), ...change });
    await node.podRecords.save(pod.record);
    node.pods.add(pod);
    return pod;
  };
  const addContainer = async (id: string, change: Partial<ContainerRecord> = {}) => {
    const container = new Container(containerRecord(id, 'pod', change));
    await node.containerRecords.save(container.record);
    node.containers.add(container);
    return container;
  };
  const recorded = async (id: string) =>
    (await node.containerRecords.load()).records.find((record) => record.id === id);
  return { node, root, lines, events, addPod, addContainer, recorded };
}
