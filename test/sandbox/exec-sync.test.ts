import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { execSync } from '../../sandbox/exec-sync.js';
import { fakeNode } from '../support/fake-node.js';

const NEVER = new AbortController().signal;

test('only a running container runs commands', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, {});
  await addPod();
  for (const state of ['created', 'exited'] as const) {
    await addContainer(state, { state });
    await assert.rejects(execSync(node, state, ['true'], 0, NEVER), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`${state} is ${state}; exec needs a running one`),
    });
  }
  await assert.rejects(execSync(node, 'none', ['true'], 0, NEVER), { code: 'NOT_FOUND' });
});

test("a backend's own refusal keeps its code, anything else says what was attempted", async (t) => {
  let failure: Error = new CribError('DEADLINE_EXCEEDED', 'timed out');
  const { node, addPod, addContainer } = await fakeNode(t, {
    backend: { execSync: async () => Promise.reject(failure) },
  });
  await addPod();
  await addContainer('c');
  await assert.rejects(execSync(node, 'c', ['true'], 1, NEVER), { code: 'DEADLINE_EXCEEDED', message: 'timed out' });
  failure = new Error('EMFILE');
  await assert.rejects(execSync(node, 'c', ['true'], 1, NEVER), {
    message: /^running a command in container c: EMFILE/,
  });
});
