import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestedStreams, runningContainer } from '../../../cri/services/validate-streams.js';
import type { PodRuntime } from '../../../sandbox/types.js';
import { refused, viewOfContainer } from '../../support/fake-service.js';

const NONE = { tty: false, stdin: false, stdout: false, stderr: false };

test('any stream is a session, none is not; a terminal has one output', () => {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    assert.deepEqual(requestedStreams({ ...NONE, [name]: true }), { ...NONE, [name]: true });
  }
  const terminal = { ...NONE, tty: true, stdin: true, stdout: true };
  assert.deepEqual(requestedStreams(terminal), terminal);
  assert.throws(() => requestedStreams({ ...NONE, tty: true }), refused(/^stdin or/));
  assert.throws(() => requestedStreams({ ...terminal, stderr: true }), refused(/^stderr must be false/));
});

test('the full id of a container that runs, and of no other', () => {
  const podsOf = (state: 'created' | 'running' | 'exited') =>
    ({ containerStatus: () => viewOfContainer('full', { state }) }) as unknown as PodRuntime;
  assert.equal(runningContainer(podsOf('running'), 'f'), 'full');
  assert.throws(() => runningContainer(podsOf('running'), '../f'), refused(/^container_id/));
  for (const state of ['created', 'exited'] as const) {
    assert.throws(() => runningContainer(podsOf(state), 'f'), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`full is ${state}`),
    });
  }
});
