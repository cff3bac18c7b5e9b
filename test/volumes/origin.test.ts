import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountInfo } from '../../runtime/linux/mountinfo.js';
import { MountTable } from '../../volumes/mount-table.js';
import { isDeleted, originsOf, rootOf } from '../../volumes/origin.js';

const tableOf = (...lines: string[]) =>
  new MountTable(parseMountInfo(lines.map((line, index) => `${index + 1} 1 ${line} rw - ext4 /dev/x rw`).join('\n')));
const origins = (table: MountTable, id: number, path: string) => {
  const mount = table.byId(id);
  assert.ok(mount !== undefined);
  return originsOf(path, mount, table).map((origin) => origin.path);
};

test('a bind is found in its own place by device and root, with what lies below it', () => {
  const table = tableOf('8:1 / /', '8:1 /srv/data /seen', '8:2 /srv/data /other');
  assert.deepEqual(origins(table, 2, '/seen/x'), ['/srv/data/x']);
  assert.deepEqual(origins(table, 3, '/other'), [], 'another device');
});

test('a file system of its own, and one whose root is a subvolume', () => {
  const tmpfs = tableOf('8:1 / /', '0:50 / /vol', '0:50 /part /bound');
  assert.deepEqual(origins(tmpfs, 3, '/bound'), ['/vol/part']);
  const subvolume = tableOf('0:30 /@ /', '0:30 /@/srv/data /seen');
  assert.deepEqual(origins(subvolume, 2, '/seen'), ['/srv/data']);
});

test('a place that something else is mounted over is none', () => {
  const table = tableOf('8:1 / /', '8:1 /srv/data /seen', '0:9 / /srv');
  assert.deepEqual(origins(table, 2, '/seen'), []);
});

test('a longer name is no root of it', () => {
  assert.deepEqual(origins(tableOf('8:1 /srv /a', '8:1 /srvx/data /seen'), 2, '/seen'), []);
});

test('a deleted root keeps its name', () => {
  assert.equal(rootOf({ root: '/srv/data//deleted' }), '/srv/data');
  assert.equal(isDeleted({ root: '/srv/data//deleted' }), true);
  assert.equal(isDeleted({ root: '/srv/deleted' }), false);
  const table = tableOf('8:1 / /', '8:1 /srv/data//deleted /seen');
  assert.deepEqual(origins(table, 2, '/seen'), ['/srv/data']);
});
