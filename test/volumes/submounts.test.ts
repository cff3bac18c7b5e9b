import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MountInfo } from '../../runtime/linux/mountinfo.js';
import { MountTable } from '../../volumes/mount-table.js';
import { submountsOf } from '../../volumes/submounts.js';

const entry = (mountPoint: string): MountInfo => ({
  id: 1,
  parentId: 0,
  device: '0:1',
  root: '/',
  mountPoint,
  options: [],
  tags: [],
  fsType: 'tmpfs',
  source: 'tmpfs',
  superOptions: [],
});
const table = new MountTable(['/', '/srv', '/srv/a', '/srv/a/b', '/srv/a', '/srvx/c'].map(entry));
const mount = { destination: '/v', type: 'bind', source: '/owned/0' };

test('every mount below gets its own, once, and is read-only only where that goes all the way down', () => {
  assert.deepEqual(submountsOf({ ...mount, options: ['rbind', 'rslave', 'ro'] }, '/srv', table), [
    { destination: '/v/a', type: 'bind', source: '/owned/0/a', options: ['rbind', 'rslave', 'rw'] },
    { destination: '/v/a/b', type: 'bind', source: '/owned/0/a/b', options: ['rbind', 'rslave', 'rw'] },
  ]);
  const recursive = submountsOf({ ...mount, options: ['rbind', 'rprivate', 'ro', 'rro'] }, '/srv', table);
  assert.deepEqual(recursive[0]?.options, ['rbind', 'rprivate', 'ro']);
  assert.deepEqual(submountsOf({ ...mount, options: ['rbind'] }, '/srv/a/b', table), []);
});
