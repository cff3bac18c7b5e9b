import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkCgroupPath, checkOwnCgroupPath } from '../../../runtime/cgroups/paths.js';

test('a path inside the hierarchy is taken, with or without a slash at its end', () => {
  for (const [path, expected] of [
    ['/', ''],
    ['/kubepods/burstable/pod1', '/kubepods/burstable/pod1'],
    ['/kubepods.slice/', '/kubepods.slice'],
    ['/a/...', '/a/...'],
    ['/a b/ü', '/a b/ü'],
    [`/${'n'.repeat(255)}`, `/${'n'.repeat(255)}`],
  ] as const) {
    assert.equal(checkCgroupPath(path), expected);
  }
  assert.equal(checkOwnCgroupPath('/a/'), '/a');
});

test('what leads out of it, or that no kernel takes, is refused with the reason', () => {
  for (const [path, reason] of [
    ['', /does not begin with \//],
    ['kubepods', /does not begin with \//],
    ['//', /empty element/],
    ['/a//b', /empty element/],
    ['/a//', /empty element/],
    ['/a/../b', /the element "\.\."/],
    ['/..', /the element "\.\."/],
    ['/./a', /the element "\."/],
    ['/a\nb', /control character/],
    ['/a\0', /control character/],
    ['/\u007f', /control character/],
    [`/${'ü'.repeat(128)}`, /a name is longer than 255/],
    [`/a${'/b'.repeat(1600)}`, /longer than 3072 bytes/],
  ] as const) {
    assert.throws(() => checkCgroupPath(path), { code: 'INVALID_ARGUMENT', message: reason }, JSON.stringify(path));
  }
  assert.throws(() => checkOwnCgroupPath('/'), { code: 'INVALID_ARGUMENT', message: /root of the hierarchy/ });
});

test('whatever is taken stays below the root', () => {
  const names = fc.constantFrom('a', '..', '.', '', '...', '.a', 'a\n', '/', '\\');
  fc.assert(
    fc.property(fc.array(names, { maxLength: 6 }), fc.boolean(), (parts, slash) => {
      const path = `/${parts.join('/')}${slash ? '/' : ''}`;
      let checked: string;
      try {
        checked = checkCgroupPath(path);
      } catch {
        return;
      }
      const { pathname } = new URL(`file:///root${checked.replaceAll('\\', '%5C')}`);
      assert.ok(`${pathname}/`.startsWith('/root/') && pathname === `/root${checked.replaceAll('\\', '%5C')}`, path);
    }),
  );
});
