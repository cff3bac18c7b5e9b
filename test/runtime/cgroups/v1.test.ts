/** What only v1 has: many hierarchies, cpusets that begin empty, a freezer. The rest is in cgroups.test.ts. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { CgroupsV1, checkPid } from '../../../runtime/cgroups/v1.js';
import { controlFiles } from './control-files.js';
import { NO_V1, realV1 } from './real-v1.js';

test('a new cpuset has the CPUs and nodes of its parent, at every depth, and keeps its own', {
  skip: NO_V1,
}, async (t) => {
  const { cgroups, base, controllers, read } = await realV1(t);
  const root = controllers.get('cpuset');
  assert.ok(root !== undefined);
  const [first = ''] = read('cpuset', 'cpuset.cpus', '').split(/[,-]/);
  fs.writeFileSync(`${root}${base}/cpuset.cpus`, first);
  await cgroups.create(`${base}/a/b`);
  assert.equal(read('cpuset', 'cpuset.cpus', `${base}/a/b`), first);
  assert.equal(read('cpuset', 'cpuset.mems', `${base}/a/b`), read('cpuset', 'cpuset.mems', ''));
  await cgroups.create(base);
  assert.equal(read('cpuset', 'cpuset.cpus'), first);
});

test('one hierarchy under two names is one, and the cgroup2 beside them is one more', async (t) => {
  const { root } = controlFiles(t, { 'both/x': '', 'pids/x': '', 'unified/x': '' });
  const names = [
    ['cpu', `${root}/both`],
    ['cpuacct', `${root}/both`],
    ['pids', `${root}/pids`],
  ] as const;
  const cgroups = new CgroupsV1({ version: 1, controllers: new Map(names), unified: `${root}/unified` });
  await cgroups.create('/pod');
  for (const name of ['both', 'pids', 'unified']) {
    assert.ok(fs.existsSync(`${root}/${name}/pod`), name);
    fs.writeFileSync(`${root}/${name}/pod/cgroup.procs`, '');
  }
  await cgroups.attach('/pod', 4_000_000);
  for (const name of ['both', 'pids', 'unified']) {
    assert.equal(fs.readFileSync(`${root}/${name}/pod/cgroup.procs`, 'utf8'), '4000000', name);
  }
  assert.deepEqual(cgroups.directories('/pod'), [`${root}/pids/pod`]);
});

test('a cgroup that is still freezing is no thawed one', async (t) => {
  const { root, put } = controlFiles(t, { 'freezer/pod/freezer.state': 'FREEZING\n' });
  const cgroups = new CgroupsV1({
    version: 1,
    controllers: new Map([['freezer', `${root}/freezer`]]),
    unified: undefined,
  });
  assert.equal(await cgroups.frozen('/pod'), true);
  put({ 'freezer/pod/freezer.state': 'THAWED\n' });
  assert.equal(await cgroups.frozen('/pod'), false);
});

test('a host without any hierarchy is told', () => {
  const none = { version: 1, controllers: new Map(), unified: undefined } as const;
  assert.throws(() => new CgroupsV1(none), { code: 'FAILED_PRECONDITION', message: /no cgroup v1 hierarchy/ });
});

test('what is no process id moves nobody: 0 would be the one who writes', () => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 53]) assert.throws(() => checkPid(pid), { code: 'INVALID_ARGUMENT' });
  checkPid(1);
});
