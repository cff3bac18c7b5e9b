import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mounts, rootfsPropagation } from '../../../runtime/spec/mounts.js';
import { host, inputWith } from './inputs.js';

const bind = (destination: string, ...options: string[]) => ({
  destination,
  type: 'bind',
  source: `/from${destination}`,
  options,
});
const listOf = (...own: ReturnType<typeof bind>[]) =>
  mounts(inputWith({}, {}, { mounts: own })).map(({ source, destination }) => `${source} ${destination}`);

test('parents come before their children, equals in their order, and what is replaced or covered is left out', () => {
  assert.deepEqual(listOf(bind('/a/b/c'), bind('/b'), bind('/a'), bind('/a/b'), bind('/b2')).slice(7), [
    ...['/from/b /b', '/from/a /a', '/from/b2 /b2', '/from/a/b /a/b', '/from/a/b/c /a/b/c'],
  ]);
  const replaced = listOf(bind('/dev/shm/'), bind('/sys'));
  assert.ok(
    !replaced.includes('shm /dev/shm') &&
      !replaced.some((line) => line.startsWith('sysfs') || line.startsWith('cgroup')),
  );
  assert.ok(replaced.includes('tmpfs /dev') && replaced.includes('/from/dev/shm/ /dev/shm'));
  assert.ok(listOf(bind('/development')).includes('tmpfs /dev'), 'a name that only begins like it covers nothing');
  const all = listOf(bind('/dev'));
  assert.ok(!all.some((line) => /^(tmpfs|devpts|shm|mqueue) /.test(line)));
});

test('the root itself, and what is no absolute path, are refused', () => {
  for (const destination of ['/', '//', '/a/..']) {
    assert.throws(() => listOf(bind(destination)), { code: 'INVALID_ARGUMENT', message: /root file system itself/ });
  }
  assert.throws(() => listOf({ ...bind('/x'), destination: 'x' }), {
    code: 'INVALID_ARGUMENT',
    message: /container_path/,
  });
});

test('cgroups: a mount of its own, but never one that changes the host’s; writable for the privileged alone', () => {
  const cgroup = (secure: object, version: 1 | 2) =>
    mounts(inputWith({}, secure, { host: { ...host, cgroupVersion: version } })).find(
      ({ destination }) => destination === '/sys/fs/cgroup',
    );
  assert.deepEqual([cgroup({}, 2)?.type, cgroup({}, 2)?.options.at(-1)], ['cgroup', 'ro']);
  assert.deepEqual(
    [cgroup({ privileged: true }, 2)?.type, cgroup({ privileged: true }, 2)?.options.at(-1)],
    ['bind', 'rw'],
  );
  assert.deepEqual([cgroup({ privileged: true }, 1)?.type, cgroup({}, 1)?.options.at(-1)], ['cgroup', 'ro']);
});

test('the root propagates what the strongest mount asks for', () => {
  assert.equal(rootfsPropagation([bind('/a', 'rprivate')]), undefined);
  assert.equal(rootfsPropagation([bind('/a', 'rprivate'), bind('/b', 'slave')]), 'rslave');
  assert.equal(rootfsPropagation([bind('/a', 'rslave'), bind('/b', 'rbind', 'rshared')]), 'rshared');
});
