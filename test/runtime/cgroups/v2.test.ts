/** What v2 does by files, on plain ones in place of cgroupfs; the real thing is in cgroups.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CgroupsV2 } from '../../../runtime/cgroups/v2.js';
import { controlFiles } from './control-files.js';

test('each parent gives its children what it has and does not give yet, the cgroup itself nothing', async (t) => {
  const { root, read, put } = controlFiles(t, {
    'cgroup.controllers': 'cpu memory perf_event\n',
    'cgroup.subtree_control': 'cpu\n',
    'pod/cgroup.controllers': 'memory\n',
    'pod/cgroup.subtree_control': '',
  });
  await new CgroupsV2(root).create('/pod/c1');
  assert.equal(read('cgroup.subtree_control'), '+memory', 'not perf_event, which nobody is limited by');
  assert.equal(read('pod/cgroup.subtree_control'), '+memory');
  put({ 'pod/c1/cgroup.controllers': 'memory\n', 'pod/c1/cgroup.subtree_control': '' });
  await new CgroupsV2(root).create('/pod/c1');
  assert.equal(read('pod/c1/cgroup.subtree_control'), '', 'a cgroup with processes could not have it');
});

test('a cgroup is frozen when it is, and when it was asked to be', async (t) => {
  const { root, put } = controlFiles(t, { 'pod/cgroup.events': 'populated 1\nfrozen 0\n', 'pod/cgroup.freeze': '0\n' });
  const cgroups = new CgroupsV2(root);
  assert.equal(await cgroups.frozen('/pod'), false);
  put({ 'pod/cgroup.freeze': '1\n' });
  assert.equal(await cgroups.frozen('/pod'), true);
  assert.throws(() => cgroups.requireThawed('/pod'), { code: 'FAILED_PRECONDITION' });
  put({ 'pod/cgroup.freeze': '0\n', 'pod/cgroup.events': 'frozen 1\n' });
  assert.equal(await cgroups.frozen('/pod'), true, 'by a parent');
});

test('processes that were killed for memory are counted, not how often memory ran out', async (t) => {
  const { root } = controlFiles(t, {
    'pod/memory.events': 'low 0\nhigh 0\nmax 9\noom 5\noom_kill 2\noom_group_kill 1\n',
  });
  assert.equal(await new CgroupsV2(root).oomKills('/pod'), 2);
});
