import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfContainer } from '../../support/fake-service.js';

let state: 'running' | 'exited' = 'running';
const { client, asked } = await startFakeService({ containerStatus: () => viewOfContainer('c1full', { state }) });
const NONE = { stdin: false, tty: false, stdout: false, stderr: false };
const attach = (change: object) => client.runtime.attach({ containerId: 'c1', ...NONE, ...change });

test('the session is of the full id, and of the streams that were asked for', async () => {
  assert.equal((await attach({ stdin: true, stdout: true })).url, 'http://127.0.0.1/token');
  const session = { kind: 'attach', containerId: 'c1full', command: [], ...NONE, stdin: true, stdout: true };
  assert.deepEqual(asked.at(-1), ['urlFor', session]);
});

test('no stream, a terminal with stderr, no id, and a container that does not run', async () => {
  await assert.rejects(attach({}), refused(/^stdin or stdout or stderr must be true/));
  await assert.rejects(attach({ tty: true, stdout: true, stderr: true }), refused(/^stderr must be false/));
  await assert.rejects(attach({ stdout: true, containerId: '' }), refused(/^container_id/));
  state = 'exited';
  await assert.rejects(attach({ stdout: true }), { code: 'FAILED_PRECONDITION', message: /c1full is exited/ });
});
