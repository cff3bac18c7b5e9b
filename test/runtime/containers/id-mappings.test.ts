import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIdMappings, checkRootMapped, sameMappings, toHostId } from '../../../runtime/containers/id-mappings.js';

const range = (containerId: number, hostId: number, length: number) => [{ containerId, hostId, length }];
const both = (ranges: ReturnType<typeof range>) => ({ uids: ranges, gids: ranges });
const NAMES = ['uids', 'gids'] as const;

test('ids are found inside of their range and nowhere else', () => {
  const ranges = range(10, 1000, 5);
  assert.deepEqual(
    [9, 10, 14, 15].map((id) => toHostId(ranges, id)),
    [undefined, 1000, 1004, undefined],
  );
  assert.equal(toHostId([], 0), undefined);
});

test('one range each, not empty, to the last id and not beyond', () => {
  for (const good of [range(0, 1000, 100_000), range(0, 0, 2 ** 32 - 1), range(5, 4_294_967_294, 1)]) {
    assert.doesNotThrow(() => checkIdMappings(both(good), 'f', NAMES));
  }
  for (const [bad, message] of [
    [[], /^f\.uids: it is empty/],
    [[...range(0, 1000, 1), ...range(1, 2000, 1)], /^f\.uids: it has 2 ranges/],
    [range(0, 1000, 0), /^f\.uids\[0\]\.length/],
    [range(0, 4_294_967_294, 2), /^f\.uids\[0\]\.host_id: .* beyond/],
    [range(4_294_967_294, 0, 2), /^f\.uids\[0\]\.container_id: .* beyond/],
  ] as const) {
    const mappings = { uids: bad, gids: range(0, 1, 1) };
    assert.throws(() => checkIdMappings(mappings, 'f', NAMES), { code: 'INVALID_ARGUMENT', message });
  }
  const groupsMissing = { uids: range(0, 1, 1), gids: [] };
  assert.throws(() => checkIdMappings(groupsMissing, 'f', ['uidMappings', 'gidMappings']), {
    message: /^f\.gidMappings/,
  });
});

test('a namespace needs a root', () => {
  assert.doesNotThrow(() => checkRootMapped(both(range(0, 1000, 1)), 'f'));
  for (const name of NAMES) {
    const mappings = { ...both(range(0, 1000, 1)), [name]: range(1, 1000, 1) };
    assert.throws(() => checkRootMapped(mappings, 'f'), {
      code: 'INVALID_ARGUMENT',
      message: new RegExp(`^f\\.${name}`),
    });
  }
});

test('mappings are the same when every number is', () => {
  assert.ok(sameMappings(both(range(0, 1, 2)), both(range(0, 1, 2))));
  assert.ok(!sameMappings(both(range(0, 1, 2)), { uids: range(0, 1, 2), gids: range(0, 1, 3) }));
});
