import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfContainer, viewOfPod } from '../../support/fake-service.js';

const { client } = await startFakeService({
  podStatus: () => viewOfPod({ id: 'full', ips: ['10.0.0.2', 'fd00::2'] }),
  containersOfPod: (id: string) => [viewOfContainer('c', { podId: id })],
  podInfo: async (id: string) => ({ of: id }),
});

test('pod, addresses and containers, at a time that is not before the call', async () => {
  const before = BigInt(Date.now() - 1000) * 1_000_000n;
  const { status, containersStatuses, timestamp, info } = await client.runtime.podSandboxStatus({ podSandboxId: 'f' });
  assert.equal(status?.id, 'full');
  assert.equal(status?.network?.ip, '10.0.0.2');
  assert.deepEqual(
    status?.network?.additionalIps.map(({ ip }) => ip),
    ['fd00::2'],
  );
  assert.deepEqual(
    containersStatuses.map(({ id }) => id),
    ['c'],
  );
  assert.ok(timestamp > before);
  assert.deepEqual(info, {});
});

test('what is verbose only when asked, and an id is needed', async () => {
  const { info } = await client.runtime.podSandboxStatus({ podSandboxId: 'f', verbose: true });
  assert.deepEqual(JSON.parse(info.info ?? ''), { of: 'full' });
  await assert.rejects(client.runtime.podSandboxStatus({}), refused(/^pod_sandbox_id/));
});
