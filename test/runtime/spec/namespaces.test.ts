import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCgroupNamespace, idMappingsOf, namespaces } from '../../../runtime/spec/namespaces.js';
import type { NamespacePaths } from '../../../runtime/spec/types.js';
import { host, input, inputWith } from './inputs.js';

const of = (change: Partial<NamespacePaths>) =>
  namespaces({ ...input, namespaces: { ...input.namespaces, ...change } });
const v1 = { ...host, cgroupVersion: 1 } as const;

test('the user namespace is first, for it owns what is made or joined after it', () => {
  const range = [{ containerId: 0, hostId: 1000, length: 4 }];
  const user = { uids: range, gids: range, path: '/run/user' };
  assert.deepEqual(of({ user, pid: '/run/pid', uts: 'new' }), [
    { type: 'user', path: '/run/user' },
    { type: 'mount' },
    { type: 'network', path: '/run/net' },
    { type: 'ipc', path: '/run/ipc' },
    { type: 'uts' },
    { type: 'pid', path: '/run/pid' },
    { type: 'cgroup' },
  ]);
});

test('the host’s are left out; its mounts no container has', () => {
  const shared = of({ network: 'host', ipc: 'host', uts: 'host', pid: 'host' });
  assert.deepEqual(shared, [{ type: 'mount' }, { type: 'cgroup' }]);
});

test('a path that is none is refused with its kind, not taken for a new namespace', () => {
  for (const path of ['', 'run/net', 'pod', 'NEW']) {
    const message = /^the pod's network namespace: .* is not an absolute path/;
    assert.throws(() => of({ network: path }), { code: 'INVALID_ARGUMENT', message }, path);
  }
});

test('a container has its own view of cgroups on v2, unless it is privileged', () => {
  assert.equal(hasCgroupNamespace(input), true);
  assert.equal(hasCgroupNamespace(inputWith({}, {}, { host: v1 })), false);
  assert.equal(hasCgroupNamespace(inputWith({}, { privileged: true })), false);
});

test('ids of users and groups are mapped each by its own ranges, the container’s side first', () => {
  const uids = [
    { containerId: 0, hostId: 100_000, length: 1000 },
    { containerId: 65_534, hostId: 200_000, length: 1 },
  ];
  const gids = [{ containerId: 5, hostId: 300_000, length: 7 }];
  assert.deepEqual(idMappingsOf({ uids, gids }), {
    uidMappings: [
      { containerID: 0, hostID: 100_000, size: 1000 },
      { containerID: 65_534, hostID: 200_000, size: 1 },
    ],
    gidMappings: [{ containerID: 5, hostID: 300_000, size: 7 }],
  });
});
