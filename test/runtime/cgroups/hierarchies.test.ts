import assert from 'node:assert/strict';
import { it } from 'node:test';
import { findHierarchies } from '../../../runtime/cgroups/hierarchies.js';

const line = (point: string, type: string, options: string) =>
  `30 23 0:28 / ${point} rw,relatime shared:9 - ${type} ${type} rw,${options}`;

it('finds systemd v1 with joined controllers', () => {
  const found = findHierarchies(
    [
      line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
      line('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
      line('/sys/fs/cgroup/systemd', 'cgroup', 'xattr,name=systemd'),
    ].join('\n'),
  );
  assert.equal(found.version, 1);
  assert.equal(found.controllers.get('cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
  assert.deepEqual([...found.controllers.keys()].sort(), ['cpu', 'cpuacct', 'memory', 'name=systemd']);
  assert.equal(found.unified, undefined);
});

it('takes the mount under /sys/fs/cgroup where a controller is mounted twice', () => {
  const found = findHierarchies(
    [line('/mnt/m', 'cgroup', 'memory'), line('/sys/fs/cgroup/memory', 'cgroup', 'memory')].join('\n'),
  );
  assert.equal(found.controllers.get('memory'), '/sys/fs/cgroup/memory');
});

it('takes a host with only a named v1 hierarchy for v2', () => {
  const found = findHierarchies(
    [
      line('/sys/fs/cgroup/systemd', 'cgroup', 'name=systemd'),
      line('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate'),
    ].join('\n'),
  );
  assert.equal(found.version, 2);
  assert.equal(found.unified, '/sys/fs/cgroup/unified');
});

it('says how to mount one where there is none', () => {
  assert.throws(() => findHierarchies(''), /mount -t cgroup2/);
});
