import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountInfo } from '../../runtime/linux/mountinfo.js';
import { MountTable } from '../../volumes/mount-table.js';

const line = (id: number, point: string) => `${id} 1 8:1 / ${point} rw - ext4 /dev/x rw`;
const tableOf = (...points: string[]) =>
  new MountTable(parseMountInfo(points.map((point, index) => line(index + 1, point)).join('\n')));

test('finds the mount of a path by whole elements, the upper of two stacked ones', () => {
  const table = tableOf('/', '/mnt/a', '/mnt/a', '/mnt/a/b');
  assert.equal(table.byPath('/mnt/ab')?.id, 1);
  assert.equal(table.byPath('/mnt/a/x')?.id, 3);
  assert.equal(table.byPath('/mnt/a/b')?.id, 4);
  assert.equal(tableOf('/mnt').byPath('/srv'), undefined);
});

test('a mount above that came later does not hide the longer one', () => {
  assert.equal(tableOf('/', '/mnt/a/b', '/mnt').byPath('/mnt/a/b/c')?.id, 2);
});

test('lists what is below in the order to unmount it', () => {
  const table = tableOf('/', '/mnt/a', '/mnt/a', '/mnt/a/b', '/mnt/ab');
  assert.deepEqual(table.below('/mnt/a'), ['/mnt/a/b', '/mnt/a', '/mnt/a']);
  assert.deepEqual(table.below('/none'), []);
});

test('finds by id, and names with spaces by their real name', () => {
  const table = tableOf('/', '/mnt/a\\040b');
  assert.equal(table.byId(2)?.mountPoint, '/mnt/a b');
  assert.equal(table.byId(3), undefined);
  assert.equal(table.byPath('/mnt/a b/c')?.id, 2);
});

test('reads the whole table of this process', async () => {
  const table = await MountTable.read();
  assert.equal(table.byPath('/proc/self')?.fsType, 'proc');
});
