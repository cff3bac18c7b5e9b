import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfContainer } from '../../support/fake-service.js';

const { client } = await startFakeService({
  containerStatus: () => viewOfContainer('full', { state: 'exited', exitCode: 3, reason: 'Error', finishedAt: 9n }),
  containerInfo: async (id: string) => ({ pid: 7, of: id }),
});

test('the status; what is verbose only when it is asked for, of the full id', async () => {
  const { status, info } = await client.runtime.containerStatus({ containerId: 'f' });
  assert.deepEqual(
    [status?.id, status?.exitCode, status?.reason, status?.finishedAt, status?.state],
    ['full', 3, 'Error', 9n, 2],
  );
  assert.deepEqual(info, {});
  const verbose = await client.runtime.containerStatus({ containerId: 'f', verbose: true });
  assert.deepEqual(JSON.parse(verbose.info.info ?? ''), { pid: 7, of: 'full' });
});

test('an id is needed', async () => {
  await assert.rejects(client.runtime.containerStatus({ containerId: '' }), refused(/^container_id/));
});
