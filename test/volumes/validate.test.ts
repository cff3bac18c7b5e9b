import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMounts } from '../../volumes/validate.js';
import { HOST, mountOf } from './fixture.js';

const check = (...mounts: ReturnType<typeof mountOf>[]) => checkMounts(mounts, HOST.capabilities);
const invalid = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });

test('paths are put in normal form, parents before children, and the field keeps the place in the request', () => {
  const checked = check(mountOf('/srv//x/', '/a/./b//c/'), mountOf('/srv', '/a/'), mountOf('/', '/b/../a/b'));
  assert.deepEqual(
    checked.map(({ containerPath, hostPath, field }) => [containerPath, hostPath, field]),
    [
      ['/a', '/srv', 'config.mounts[1]'],
      ['/a/b', '/', 'config.mounts[2]'],
      ['/a/b/c', '/srv/x', 'config.mounts[0]'],
    ],
  );
});

test('`..` in a source is left to the kernel, which resolves symlinks before it', () => {
  assert.equal(check(mountOf('/link/../x', '/a'))[0]?.hostPath, '/link/../x');
});

test('the longest path that the kernel takes, and one byte more', () => {
  const longest = `/${'é'.repeat(2047)}`;
  assert.equal(Buffer.byteLength(longest), 4095);
  assert.equal(check(mountOf(longest, '/a'))[0]?.hostPath, longest);
  assert.throws(() => check(mountOf(`${longest}x`, '/a')), invalid(/^config\.mounts\[0\]\.host_path: .*4095/));
  assert.throws(() => check(mountOf('/a', `/${'x'.repeat(4095)}`)), invalid(/container_path: .*4095/));
});

test('one destination twice is refused, however it is written, naming both', () => {
  const twice = [mountOf('/x', '/a'), mountOf('/y', '/c'), mountOf('/z', '/b/../a')] as const;
  assert.throws(() => check(...twice), invalid(/^config\.mounts\[2\]\.container_path: \/a is also .*mounts\[0\]/));
});

test('the root of a container is no destination, however it is written', () => {
  for (const root of ['/', '//', '/.', '/a/..']) {
    assert.throws(() => check(mountOf('/x', root)), invalid(/container_path: .*over \//), root);
  }
});

test('what the sandbox cannot do is FAILED_PRECONDITION, not a bad request', () => {
  const none = { ...HOST.capabilities, recursiveReadOnly: false, bidirectionalPropagation: false };
  for (const [change, field] of [
    [{ readonly: true, recursiveReadOnly: true }, 'recursive_read_only'],
    [{ propagation: 'bidirectional' }, 'propagation'],
  ] as const) {
    assert.throws(() => checkMounts([mountOf('/x', '/a', change)], none), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`^config\\.mounts\\[0\\]\\.${field}`),
    });
    assert.equal(check(mountOf('/x', '/a', change)).length, 1);
  }
});
