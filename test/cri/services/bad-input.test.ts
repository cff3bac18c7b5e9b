/** Malformed requests to every call of the CRI, by a real gRPC client to a real server in front of a real node. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type CriClient, connect } from '../../../cri/client.js';
import { type RunningServer, startServer } from '../../../cri/server.js';
import { createServices } from '../../../cri/services/services.js';
import { type StreamingServer, startStreamingServer } from '../../../cri/streaming/server.js';
import { recordingLog } from '../../support/log.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { CALLS, type CallDescription } from './bad-input/fields.js';
import { type Probe, probe } from './bad-input/probe.js';
import { containerRequest, podRequest, type Subjects } from './bad-input/requests.js';
import type { Row } from './bad-input/row.js';
import { ROWS } from './bad-input/rows.js';
import { unimplementedCalls } from './bad-input/unimplemented.js';

let node: TestNode;
let server: RunningServer;
let streaming: StreamingServer;
let cri: CriClient;
let client: Probe;
let subjects: Subjects;
const { log, lines } = recordingLog();

before(async () => {
  node = await startTestNode('10.203.9.0/24', 'cribtestbad0');
  const socket = path.join(node.directory, 'crib.sock');
  const { sessions } = node.node().pods;
  streaming = await startStreamingServer({ address: '127.0.0.1:0', tls: undefined, sessions, log });
  const services = createServices({ ...node.node(), streaming, version: 'test' });
  server = await startServer({ listen: socket, services, log });
  cri = connect(socket);
  client = probe(socket);
  subjects = await makeSubjects();
});

after(async () => {
  client.close();
  cri.close();
  await server.close(100);
  await streaming.close();
  await node.stop();
});

async function makeSubjects(): Promise<Subjects> {
  const { runtime } = cri;
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
  await cri.runtime.version({});
  const { items } = await cri.runtime.listPodSandbox({});
  const { containers } = await cri.runtime.listContainers({});
  for (const { id } of items) if (id !== subjects.pod && id !== subjects.stoppedPod) await remove(id);
  for (const { id } of containers) {
    if (id !== subjects.running && id !== subjects.created) await cri.runtime.removeContainer({ containerId: id });
  }
  const states = containers.map(({ metadata, state }) => `${metadata?.name} ${state}`);
  const found = `${items.map(({ metadata }) => metadata?.name).sort()}; ${states.sort()}`;
  return found === 'good,stopped; created 0,running 1' ? '' : `the node now has ${found}`;
}

/** What is not `good`, `running` and so on is taken away, so that the next row begins as this one did. */
async function remove(podSandboxId: string): Promise<void> {
  await cri.runtime.removePodSandbox({ podSandboxId });
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
    const faults = lines.filter(({ level }) => level === 'error');
    assert.deepEqual(faults, []);
  });
});
