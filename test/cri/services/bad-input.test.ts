/** Malformed requests to every call of the CRI, by a real gRPC client to a real server in front of a real node. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ServedNode, startServedNode } from '../../support/server.js';
import { CALLS, type CallDescription } from './bad-input/fields.js';
import { type Probe, probe } from './bad-input/probe.js';
import { containerRequest, podRequest, type Subjects } from './bad-input/requests.js';
import type { Row } from './bad-input/row.js';
import { ROWS } from './bad-input/rows.js';
import { unimplementedCalls } from './bad-input/unimplemented.js';

let served: ServedNode;
let client: Probe;
let subjects: Subjects;

before(async () => {
  served = await startServedNode('10.203.9.0/24', 'cribtestbad0');
  client = probe(path.join(served.node.directory, 'crib.sock'));
  subjects = await makeSubjects(served);
});

after(async () => {
  client.close();
  await served.stop();
});

async function makeSubjects({ node, client: { runtime } }: ServedNode): Promise<Subjects> {
  const config = (name: string) => ({ ...podRequest(), metadata: { name, uid: name, namespace: 'test' } });
  const { podSandboxId: pod } = await runtime.runPodSandbox({ config: config('good') });
  const { podSandboxId: stoppedPod } = await runtime.runPodSandbox({ config: config('stopped') });
  await runtime.stopPodSandbox({ podSandboxId: stoppedPod });
  const make = async (name: string) => {
    const container = { ...containerRequest(node.image), metadata: { name } };
    return (await runtime.createContainer({ podSandboxId: pod, config: container })).containerId;
  };
  const running = await make('running');
  await runtime.startContainer({ containerId: running });
  return { image: node.image, pod, stoppedPod, running, created: await make('created') };
}

/** What the server has that it had not before, or the other way round: no bad request makes, stops or removes anything. */
async function changes(): Promise<string> {
  const { runtime } = served.client;
  await runtime.version({});
  const { items } = await runtime.listPodSandbox({});
  const { containers } = await runtime.listContainers({});
  for (const { id } of items) if (id !== subjects.pod && id !== subjects.stoppedPod) await remove(id);
  for (const { id } of containers) {
    if (id !== subjects.running && id !== subjects.created) await runtime.removeContainer({ containerId: id });
  }
  const states = containers.map(({ metadata, state }) => `${metadata?.name} ${state}`);
  const found = `${items.map(({ metadata }) => metadata?.name).sort()}; ${states.sort()}`;
  return found === 'good,stopped; created 0,running 1' ? '' : `the node now has ${found}`;
}

/** What is not `good`, `running` and so on is taken away, so that the next row begins as this one did. */
async function remove(podSandboxId: string): Promise<void> {
  await served.client.runtime.removePodSandbox({ podSandboxId });
}

/** What is wrong with the answer, or nothing. */
async function verdict(call: CallDescription, row: Row): Promise<string[]> {
  const { code, message } = await client.send(call, row.request(subjects));
  const wrong: string[] = [];
  if (code === 'UNIMPLEMENTED' && unimplementedCalls().has(call.name)) return [];
  if (code !== row.answer) wrong.push(`is not ${row.answer}`);
  if (!message.includes(row.names)) wrong.push(`does not name ${row.names}`);
  if (message.length > 2048) wrong.push(`has ${message.length} characters`);
  const changed = await changes();
  if (changed !== '') wrong.push(changed);
  return wrong.length === 0 ? [] : [`${row.what}: ${code} "${message.slice(0, 400)}" ${wrong.join(', ')}`];
}

describe('bad input', () => {
  for (const call of CALLS) {
    const rows = ROWS.filter((row) => row.call === call.name);
    it(`${call.name} answers ${rows.length} bad requests with the code and the field, and the server goes on`, async () => {
      const wrong: string[] = [];
      for (const row of rows) wrong.push(...(await verdict(call, row)));
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    });
  }

  it('has rows for every call of both services, and of its own for each field that names something', () => {
    assert.equal(CALLS.length, 41);
    for (const { name, request } of CALLS) {
      const rows = ROWS.filter((row) => row.call === name);
      assert.ok(rows.length >= 6, `${name} has no rows`);
      const hasFields = request.fieldsArray.some((field) => field.type !== 'bool');
      assert.ok(!hasFields || rows.length > 6, `${name} has no rows for its fields`);
    }
    const known = new Set(CALLS.map(({ name }) => name));
    assert.deepEqual(
      ROWS.filter((row) => !known.has(row.call)),
      [],
    );
  });

  it('logged nothing as a fault of its own', () => {
    const faults = served.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(faults, []);
  });
});
