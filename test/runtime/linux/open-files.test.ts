import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RLIMIT_NOFILE } from '../../../runtime/linux/constants.js';
import { originalFileLimit } from '../../../runtime/linux/open-files.js';
import { resourceLimit } from '../../../runtime/linux/processes.js';

test('the soft limit is the one that crib’s shell had, never above the hard one', () => {
  const { hard } = resourceLimit(RLIMIT_NOFILE);
  assert.deepEqual(originalFileLimit({ CRIB_NOFILE_SOFT: '256' }), { soft: 256n, hard });
  assert.deepEqual(originalFileLimit({}), { soft: 1024n < hard ? 1024n : hard, hard });
  assert.deepEqual(originalFileLimit({ CRIB_NOFILE_SOFT: '999999999999999999' }), { soft: hard, hard });
  for (const text of ['unlimited', '', '-1', '1e3', ' 5']) {
    assert.equal(originalFileLimit({ CRIB_NOFILE_SOFT: text }), undefined, text);
  }
});
