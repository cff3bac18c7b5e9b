import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfPod } from '../../support/fake-service.js';

const { client, asked } = await startFakeService({ podStatus: () => viewOfPod(), createContainer: async () => 'made' });
const config = { metadata: { name: 'c', attempt: 2 }, image: { image: 'busybox' } };
const create = (change: object) => client.runtime.createContainer({ podSandboxId: 'pod', config, ...change });

test('the configuration arrives, without that of the pod where the client gives none', async () => {
  assert.equal((await create({})).containerId, 'made');
  const [name, podId, given, podConfig] = asked.at(-1) ?? [];
  assert.deepEqual([name, podId, podConfig], ['createContainer', 'pod', undefined]);
  assert.deepEqual((given as { metadata: object }).metadata, { name: 'c', attempt: 2 });
});

test('a privileged container needs a privileged pod', async () => {
  const privileged = { ...config, linux: { securityContext: { privileged: true } } };
  await assert.rejects(
    create({ config: privileged }),
    refused(/^config\.linux\.security_context\.privileged is set, but the pod sandbox is not/),
  );
});

test('what is missing is named', async () => {
  await assert.rejects(create({ podSandboxId: '' }), refused(/^pod_sandbox_id/));
  await assert.rejects(create({ config: undefined }), refused(/^config/));
  await assert.rejects(create({ config: { ...config, metadata: undefined } }), refused(/^config\.metadata/));
  await assert.rejects(create({ sandboxConfig: {} }), refused(/^sandbox_config\.metadata/));
});
