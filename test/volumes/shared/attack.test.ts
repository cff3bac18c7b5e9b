import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportAttack } from '../../../volumes/shared/attack.js';
import { recordingLog } from '../../support/log.js';

test('an attack is an error in the log, with the pod, the place and what was there', () => {
  const { log, lines } = recordingLog();
  reportAttack({ pod: 'p1', log }, '/run/crib/x', 'a symlink to /etc');
  const fields = { pod: 'p1', where: '/run/crib/x', found: 'a symlink to /etc' };
  assert.deepEqual(lines, [{ level: 'error', fields, message: 'an attack on the mounts of a pod was held off' }]);
});
