import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceNodes, deviceRules } from '../../../runtime/spec/device-nodes.js';
import type { HostDevice, ResolvedDevice } from '../../../runtime/spec/types.js';
import { inputWith } from './inputs.js';

const KVM: HostDevice = { path: '/dev/kvm', type: 'c', major: 10, minor: 232, fileMode: 0o600, uid: 0, gid: 0 };
const FUSE: HostDevice = { ...KVM, path: '/dev/fuse', minor: 229, fileMode: 0o666 };
const asked = (device: HostDevice, access = 'rw'): ResolvedDevice => ({ ...device, access });

const inputOf = (privileged: boolean, devices: readonly ResolvedDevice[], hostDevices: readonly HostDevice[] = []) =>
  inputWith({}, { privileged }, { devices, hostDevices });

test('a container has what was asked for and nothing of the host’s', () => {
  assert.deepEqual(deviceNodes(inputOf(false, [asked(KVM)], [FUSE])), [KVM]);
});

test('a privileged one has the host’s too; where both are at one path, what was asked for is there', () => {
  const other = asked({ ...KVM, path: '/dev/fuse', uid: 7 });
  const nodes = deviceNodes(inputOf(true, [other], [FUSE, KVM]));
  assert.deepEqual(
    nodes.map(({ path, minor, uid }) => [path, minor, uid]),
    [
      ['/dev/fuse', 232, 7],
      ['/dev/kvm', 232, 0],
    ],
  );
  assert.ok(
    nodes.every((node) => !('access' in node)),
    'no field that OCI does not have',
  );
});

test('one device is there once, as it was asked for last', () => {
  const nodes = deviceNodes(inputOf(false, [asked(KVM), asked({ ...KVM, gid: 9 })]));
  assert.deepEqual(nodes, [{ ...KVM, gid: 9 }]);
});

test('all is denied, then what was asked for is allowed, as far as that was asked for', () => {
  const disk = asked({ ...KVM, path: '/dev/x', type: 'b', major: 259, minor: 70_000 }, 'r');
  assert.deepEqual(deviceRules(inputOf(false, [asked(KVM, 'rwm'), disk])), [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 232, access: 'rwm' },
    { allow: true, type: 'b', major: 259, minor: 70_000, access: 'r' },
  ]);
  assert.deepEqual(deviceRules(inputOf(true, [disk])), [{ allow: true, access: 'rwm' }]);
});

test('a FIFO is made, but the kernel has no rule of one', () => {
  const fifo = asked({ ...KVM, path: '/dev/pipe', type: 'p', major: 0, minor: 0 });
  assert.equal(deviceNodes(inputOf(false, [fifo])).length, 1);
  assert.deepEqual(deviceRules(inputOf(false, [fifo])), [{ allow: false, access: 'rwm' }]);
});
