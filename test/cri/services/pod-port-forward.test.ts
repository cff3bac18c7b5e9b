import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfPod } from '../../support/fake-service.js';

let state: 'ready' | 'not-ready' = 'ready';
const { client, asked } = await startFakeService({ podStatus: () => viewOfPod({ id: 'full', state }) });
const forward = (port: number[], podSandboxId = 'f') => client.runtime.portForward({ podSandboxId, port });

test('the session is of the full id, with ports or without', async () => {
  assert.equal((await forward([80, 65_535])).url, 'http://127.0.0.1/token');
  assert.deepEqual(asked.at(-1), ['urlFor', { kind: 'portforward', podId: 'full', ports: [80, 65_535] }]);
  await forward([]);
  assert.deepEqual(asked.at(-1), ['urlFor', { kind: 'portforward', podId: 'full', ports: [] }]);
});

test('ports are from 1 to 65535, and the pod is ready', async () => {
  for (const port of [0, -1, 65_536]) await assert.rejects(forward([80, port]), refused(/^port\[1\] is/));
  await assert.rejects(forward([80], ''), refused(/^pod_sandbox_id/));
  state = 'not-ready';
  await assert.rejects(forward([80]), { code: 'FAILED_PRECONDITION', message: /pod full: it is not ready/ });
});
