import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syncFilesystemOf } from '../../../runtime/images/disk.js';

test('writing to disk settles, and says when there is no such directory', async () => {
  await syncFilesystemOf('/tmp');
  await assert.rejects(syncFilesystemOf('/tmp/no/such/directory'), { code: 'UNAVAILABLE' });
});
