import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execInContainer } from '../../sandbox/container-exec.js';
import type { ContainerRecord } from '../../sandbox/container-record.js';
import type { ExecSpec } from '../../sandbox/streams.js';
import { fakeNode } from '../support/fake-node.js';
import { sessionClient } from '../support/session-client.js';

const SPEC: ExecSpec = { containerId: 'c', command: ['sh', '-c', 'exit 3'], tty: true };

test('the command runs in the container that it names, and its exit code is the answer', async (t) => {
  const given: [string, ExecSpec][] = [];
  const exec = async ({ id }: ContainerRecord, spec: ExecSpec) => {
    given.push([id, spec]);
    return 3;
  };
  const { node, addPod, addContainer } = await fakeNode(t, { backend: { exec } });
  await addPod();
  await addContainer('c');
  await addContainer('other');
  const { streams, abort } = sessionClient(['stdout']);
  assert.equal(await execInContainer(node, SPEC, streams, abort.signal), 3);
  assert.deepEqual(given, [['c', SPEC]]);
});

test('what the runtime refuses is the caller’s error', async (t) => {
  const exec = async () => {
    throw new Error('no such program');
  };
  const { node, addPod, addContainer } = await fakeNode(t, { backend: { exec } });
  await addPod();
  await addContainer('c');
  const { streams, abort } = sessionClient(['stdout']);
  await assert.rejects(execInContainer(node, SPEC, streams, abort.signal), { message: 'no such program' });
});

test('one that does not run is refused with its state, and no command is started', async (t) => {
  const exec = () => assert.fail('it does not run');
  const { node, addPod, addContainer } = await fakeNode(t, { backend: { exec } });
  await addPod();
  const { streams, abort } = sessionClient(['stdout']);
  for (const state of ['created', 'exited'] as const) {
    await addContainer(state, { state });
    const message = `container ${state} is ${state}; exec needs a running one`;
    const refused = execInContainer(node, { ...SPEC, containerId: state }, streams, abort.signal);
    await assert.rejects(refused, { code: 'FAILED_PRECONDITION', message });
  }
  await assert.rejects(execInContainer(node, { ...SPEC, containerId: 'none' }, streams, abort.signal), {
    code: 'NOT_FOUND',
  });
});
