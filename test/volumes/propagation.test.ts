import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPropagation } from '../../volumes/propagation.js';
import { factsOf } from './kinds/facts-of.js';

const check = (propagation: 'private' | 'host-to-container' | 'bidirectional', ...tags: string[]) =>
  checkPropagation({ propagation }, factsOf('/srv/x', { mountPoint: '/srv' }), { tags }, 'config.mounts[2]');

test('private asks nothing of the source', () => {
  check('private');
  check('private', 'shared:1');
});

test('a slave source receives and passes nothing on; a shared one does both', () => {
  check('host-to-container', 'master:1');
  check('host-to-container', 'shared:1');
  check('bidirectional', 'master:2', 'shared:1');
  assert.throws(() => check('bidirectional', 'master:1'), /not a shared mount/);
});

test('a refusal says what is mounted where and how to mend it', () => {
  assert.throws(() => check('host-to-container', 'propagate_from:1'), {
    code: 'FAILED_PRECONDITION',
    message:
      'config.mounts[2].propagation: path "/srv/x" is mounted on "/srv" but it is not a shared or slave mount: run `mount --make-rshared /srv` on the host',
  });
});
