import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sandboxName } from '../../../sandbox/gvisor/places.js';
import { sentrySpec } from '../../../sandbox/gvisor/spec.js';
import type { PodRecord } from '../../../sandbox/pod-record.js';

const pod = { id: 'f'.repeat(64) } as PodRecord;
const mount = (destination: string, type: string, ...options: string[]) => ({
  destination,
  type,
  source: type,
  options,
});

function sentry(linux: object, mounts: object[] = []) {
  const spec = { process: { args: ['sh'] }, annotations: { a: 'b' }, mounts, linux: { namespaces: [], ...linux } };
  return sentrySpec(pod, 'c', spec, (all) => [...all]) as {
    annotations: Record<string, string>;
    mounts: { destination: string; options: string[] }[];
    linux: Record<string, unknown>;
  };
}

test('a container names the sandbox that it joins, by what fits the path of a socket', () => {
  const { annotations } = sentry({});
  assert.deepEqual(annotations, { a: 'b', 'io.kubernetes.cri.sandbox-id': sandboxName(pod.id) });
  assert.equal(sandboxName(pod.id).length, 16);
});

test('cgroups and devices are left out, and every PID namespace has a name that another can join', () => {
  const namespaces = [{ type: 'mount' }, { type: 'pid' }, { type: 'cgroup' }];
  const { linux } = sentry({
    namespaces,
    cgroupsPath: '/a/b',
    resources: {},
    devices: [],
    rootfsPropagation: 'rslave',
  });
  assert.deepEqual(linux, { namespaces: [{ type: 'mount' }, { type: 'pid', path: '/container/c/pid' }] });
  const joined = [{ type: 'pid', path: '/pod/p/pid' }];
  assert.deepEqual(sentry({ namespaces: joined }).linux, { namespaces: joined });
});

test("the sentry's own file systems are not asked of the host; read-only is recursive", () => {
  const mounts = [mount('/dev/mqueue', 'mqueue'), mount('/sys/fs/cgroup', 'cgroup'), mount('/v', 'bind', 'ro', 'rro')];
  const seen = sentry({}, mounts).mounts.map(({ destination, options }) => [destination, ...options]);
  assert.deepEqual(seen, [['/v', 'ro', 'ro']]);
});
