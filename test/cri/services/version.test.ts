import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeService } from '../../support/fake-service.js';

const { client } = await startFakeService();

test('what a kubelet and crictl know crib by, whatever version they say they have', async () => {
  const expected = { version: '0.1.0', runtimeName: 'crib', runtimeVersion: 'test', runtimeApiVersion: 'v1' };
  for (const version of ['', '0.1.0', 'v9']) {
    const { version: api, runtimeName, runtimeVersion, runtimeApiVersion } = await client.runtime.version({ version });
    assert.deepEqual({ version: api, runtimeName, runtimeVersion, runtimeApiVersion }, expected);
  }
});
