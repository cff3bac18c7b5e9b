import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { currentBoot, syncFilesystemOf } from '../../../runtime/images/disk.js';

test("the boot is the kernel's, without its newline", async () => {
  assert.equal(`${await currentBoot()}\n`, fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
});

test('writing to disk settles, and says when there is no such directory', async () => {
  await syncFilesystemOf('/tmp');
  await assert.rejects(syncFilesystemOf('/tmp/no/such/directory'), { code: 'UNAVAILABLE' });
});
