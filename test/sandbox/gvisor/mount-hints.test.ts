import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResolvedMount } from '../../../runtime/spec/types.js';
import {
  copiedVolume,
  copyMounts,
  hintAnnotations,
  hintedMounts,
  sharingShm,
  shmHint,
  storedVolume,
} from '../../../sandbox/gvisor/mount-hints.js';
import type { FoundVolume } from '../../../volumes/pod-directory.js';
import type { VolumeDecision, VolumeRoute } from '../../../volumes/types.js';

const DIRECTORY = '/var/lib/kubelet/pods/uid/volumes/kubernetes.io~empty-dir/scratch';
const FOUND: FoundVolume = {
  ...{ plugin: 'empty-dir', name: 'scratch', directory: DIRECTORY, filesystem: 'tmpfs' },
  ...{ uid: 0, gid: 2000, mode: 0o2777, sizeLimitBytes: 8 << 20 },
};
const CONFIG = '/var/lib/kubelet/pods/uid/volumes/kubernetes.io~configmap/settings';
const SCRATCH = storedVolume(FOUND);
const SETTINGS = copiedVolume({ ...FOUND, directory: CONFIG, gid: 0, mode: 0o777, sizeLimitBytes: undefined }, 1);

function bind(source: string, destination: string, access = 'rw'): ResolvedMount {
  return { source, destination, type: 'bind', options: ['rbind', 'rprivate', access] };
}

function decision(containerPath: string, route: VolumeRoute): VolumeDecision {
  return { containerPath, hostPath: '', kind: 'emptydir', route, reason: '', readonly: false };
}

test('hints keep owner, group, setgid, mode and size of the directory on the host', () => {
  assert.deepEqual(hintAnnotations([SCRATCH, SETTINGS]), {
    'dev.gvisor.spec.mount.volume0.source': DIRECTORY,
    'dev.gvisor.spec.mount.volume0.type': 'tmpfs',
    'dev.gvisor.spec.mount.volume0.share': 'pod',
    'dev.gvisor.spec.mount.volume0.options': 'rw,mode=2777,uid=0,gid=2000,size=8388608',
    'dev.gvisor.spec.mount.volume1.source': '/crib/volumes/1',
    'dev.gvisor.spec.mount.volume1.type': 'tmpfs',
    'dev.gvisor.spec.mount.volume1.share': 'pod',
    'dev.gvisor.spec.mount.volume1.options': 'rw,mode=0777,uid=0,gid=0',
  });
  assert.deepEqual(hintAnnotations([]), {});
});

test('the root container mounts the copies, by the source of their hints, and nothing else', () => {
  assert.deepEqual(copyMounts([SCRATCH, SETTINGS]), [
    { destination: '/crib/volumes/1', source: '/crib/volumes/1', type: 'tmpfs', options: ['rw'] },
  ]);
});

test('guest-local mounts become those of their hint, each with the access of its container', () => {
  const mounts = [bind(DIRECTORY, '/a'), bind(DIRECTORY, '/b', 'ro'), bind(CONFIG, '/c', 'ro'), bind('/srv', '/d')];
  const decisions = ['/a', '/b', '/c'].map((containerPath) => decision(containerPath, 'guest-local'));
  assert.deepEqual(hintedMounts(mounts, decisions, [SCRATCH, SETTINGS]), [
    { destination: '/a', source: DIRECTORY, type: 'tmpfs', options: ['rbind', 'rw'] },
    { destination: '/b', source: DIRECTORY, type: 'tmpfs', options: ['rbind', 'ro'] },
    { destination: '/c', source: '/crib/volumes/1', type: 'tmpfs', options: ['ro'] },
    bind('/srv', '/d'),
  ]);
});

test("a container's own /dev/shm is the pod's; what a user mounts there stays", () => {
  const own = { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'size=65536k'] };
  const { source, ...rest } = sharingShm(own);
  assert.equal(source, shmHint()['dev.gvisor.spec.mount.shm.source']);
  assert.deepEqual({ ...rest, source: 'shm' }, own);
  for (const other of [bind(DIRECTORY, '/dev/shm'), { ...own, destination: '/run/shm' }]) {
    assert.equal(sharingShm(other), other);
  }
});

test('what is shared from the host after all does not match its hint, and is the same directory', () => {
  const [mount] = hintedMounts([bind(DIRECTORY, '/a')], [decision('/a', 'host-shared')], [SCRATCH]);
  assert.deepEqual(mount, bind(`${DIRECTORY}/.`, '/a'));
});
