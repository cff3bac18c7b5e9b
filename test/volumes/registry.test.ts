import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseMountInfo } from '../../runtime/linux/mountinfo.js';
import { isWithin } from '../../volumes/kind.js';
import { bind } from '../../volumes/kinds/bind.js';
import { emptyDir } from '../../volumes/kinds/emptydir.js';
import { MountTable } from '../../volumes/mount-table.js';
import { KindRegistry } from '../../volumes/registry.js';

it('refuses a kind that is there twice', () => {
  assert.throws(() => new KindRegistry([bind, emptyDir, bind]), /"bind" is registered twice/);
});

it('does not take a longer name for a child', () => {
  assert.equal(isWithin('/a/bc', '/a/b'), false);
  assert.equal(isWithin('/a/b/c', '/a/b'), true);
  assert.equal(isWithin('/a/b', '/a/b'), true);
  assert.equal(isWithin('/a', '/'), true);
});

it('finds the mount of a path by whole elements, the upper of two stacked ones', () => {
  const line = (id: number, point: string) => `${id} 1 8:1 / ${point} rw - ext4 /dev/x rw`;
  const text = [line(1, '/'), line(2, '/mnt/a'), line(3, '/mnt/a'), line(4, '/mnt/a/b')].join('\n');
  const table = new MountTable(parseMountInfo(text));
  assert.equal(table.byPath('/mnt/ab')?.id, 1);
  assert.equal(table.byPath('/mnt/a/x')?.id, 3);
  assert.deepEqual(table.below('/mnt/a'), ['/mnt/a/b', '/mnt/a', '/mnt/a']);
});
