import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const { client, asked } = await startFakeService();
const checkpoint = (location: string, timeout: bigint) =>
  client.runtime.checkpointContainer({ containerId: 'c', location, timeout });

test('seconds are milliseconds, and 0 is ten minutes', async () => {
  await checkpoint('/var/c.tar', 7n);
  await checkpoint('/var/c.tar', 0n);
  assert.deepEqual(asked, [
    ['checkpointContainer', 'c', '/var/c.tar', 7000],
    ['checkpointContainer', 'c', '/var/c.tar', 600_000],
  ]);
});

test('a location must be there, absolute and plain', async () => {
  for (const location of ['', 'c.tar', '/var/../etc/passwd', '/a\0']) {
    await assert.rejects(checkpoint(location, 1n), refused(/^location/), location);
  }
  await assert.rejects(checkpoint('/c.tar', -1n), refused(/^timeout is -1/));
});
