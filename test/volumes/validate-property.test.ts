import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkMounts } from '../../volumes/validate.js';
import { accepted, fuzzed } from '../support/fuzz.js';
import { HOST, mountOf } from './fixture.js';

const element = fc.constantFrom('a', 'b', 'c', 'a-b', 'a.b', '.', '..', '');
const destination = fc.array(element, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
const requests = fc.uniqueArray(destination, {
  minLength: 1,
  maxLength: 12,
  selector: (name) => path.posix.resolve(name),
});

test(
  'a child never comes before its parent, and each mount keeps its own source',
  fuzzed(requests, (destinations) => {
    const mounts = destinations.map((name, index) => mountOf(`/source/${index}`, name));
    const checked = accepted(['INVALID_ARGUMENT'], () => checkMounts(mounts, HOST.capabilities));
    assert.equal(checked.length, mounts.length);
    for (const [index, { containerPath, hostPath, field }] of checked.entries()) {
      const asked = Number(hostPath.split('/')[2]);
      assert.equal(containerPath, path.posix.resolve(destinations[asked] ?? ''));
      assert.equal(field, `config.mounts[${asked}]`);
      const parents = checked.slice(index + 1).filter((later) => containerPath.startsWith(`${later.containerPath}/`));
      assert.deepEqual(parents, []);
    }
  }),
);

test(
  'two ways to write one destination are one destination',
  fuzzed(fc.tuple(destination, fc.array(element, { maxLength: 3 })), ([name, detour]) => {
    const other = `/${detour.join('/')}/${detour.map(() => '..').join('/')}/${name}`;
    const same = path.posix.resolve(name) === path.posix.resolve(other);
    const check = () => checkMounts([mountOf('/x', name), mountOf('/y', other)], HOST.capabilities);
    if (path.posix.resolve(name) === '/' || path.posix.resolve(other) === '/' || same) assert.throws(check);
    else assert.equal(check().length, 2);
  }),
);
