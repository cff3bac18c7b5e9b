import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CGROUPFS, expandSlice, SYSTEMD } from '../../../runtime/cgroups/driver.js';

test('a slice lies in the slices that its name begins with', () => {
  assert.equal(expandSlice('system.slice'), '/system.slice');
  assert.equal(
    expandSlice('kubepods-burstable-pod1a_2b.slice'),
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a_2b.slice',
  );
});

test('what systemd takes for no slice is refused', () => {
  for (const name of [
    '',
    'a',
    '-.slice',
    '-a.slice',
    'a-.slice',
    'a--b.slice',
    'a/b.slice',
    'a.slice\n',
    '..slice.d',
  ]) {
    assert.throws(() => expandSlice(name), { code: 'INVALID_ARGUMENT' }, name);
  }
});

test('cgroupfs: paths as they are given, containers below', () => {
  const id = 'c'.repeat(64);
  assert.equal(CGROUPFS.podCgroup('', 'p1'), '/crib/p1');
  const pod = CGROUPFS.podCgroup('/kubepods/pod1', 'p1');
  assert.equal(CGROUPFS.ociPath(CGROUPFS.containerCgroup(pod, id)), `/kubepods/pod1/${id}`);
  assert.equal(CGROUPFS.containerCgroup('/', id), `/${id}`);
  assert.throws(() => CGROUPFS.podCgroup('kubepods.slice', 'p1'), {
    code: 'INVALID_ARGUMENT',
    message: /cgroup_driver/,
  });
});

test('systemd: a kubelet’s path or name is a slice, containers are scopes in it', () => {
  const full = '/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice';
  assert.equal(SYSTEMD.podCgroup(full, 'p1'), full);
  assert.equal(SYSTEMD.podCgroup('kubepods-besteffort-pod1.slice', 'p1'), full);
  assert.equal(SYSTEMD.podCgroup('', 'abc'), '/crib.slice/crib-podabc.slice');
  const container = SYSTEMD.containerCgroup(full, 'c1-init');
  assert.equal(container, `${full}/crib-c1-init.scope`);
  assert.equal(SYSTEMD.ociPath(container), 'kubepods-besteffort-pod1.slice:crib:c1-init');
  assert.throws(() => SYSTEMD.podCgroup('/kubepods/pod1', 'p1'), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => SYSTEMD.ociPath('/kubepods/c1'), { code: 'INVALID_ARGUMENT' });
});
