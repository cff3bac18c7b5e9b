import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { O } from '../../../runtime/linux/constants.js';
import { parseMountInfo } from '../../../runtime/linux/mountinfo.js';
import { mountOfDescriptor } from '../../../runtime/linux/statmount.js';

const statusOf = (path: string) => {
  const fd = fs.openSync(path, O.PATH);
  try {
    return mountOfDescriptor(fd);
  } finally {
    fs.closeSync(fd);
  }
};

test('a mount is told as mountinfo has it', (context) => {
  const status = statusOf('/proc/self');
  if (status === undefined) {
    context.skip('this kernel has no statmount(2): it needs Linux 6.8');
    return;
  }
  const table = parseMountInfo(fs.readFileSync('/proc/self/mountinfo', 'utf8'));
  const entry = table.find(({ id }) => id === status.id);
  assert.ok(entry !== undefined);
  const { parentId, device, root, mountPoint, fsType } = entry;
  assert.deepEqual(
    [status.parentId, status.device, status.root, status.mountPoint, status.fsType, status.magic],
    [parentId, device, root, mountPoint, fsType, 0x9fa0],
  );
});

test('a file of nsfs is on no mount that can be reached', () => {
  const fd = fs.openSync('/proc/self/ns/mnt', 'r');
  try {
    assert.equal(mountOfDescriptor(fd), undefined);
  } finally {
    fs.closeSync(fd);
  }
  assert.equal(typeof statusOf('/'), typeof statusOf('/proc'), 'it goes on answering for others');
});
