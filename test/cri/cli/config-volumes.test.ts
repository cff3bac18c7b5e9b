import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readVolumePolicy, volumePolicyTable } from '../../../cri/cli/config-volumes.js';

const ALL = {
  emptydir: 'host-shared',
  'docker-volume': 'refused',
  annotations: ['emptydir'],
  overlay: ['bind', 'config'],
  copy_max_bytes: 5,
  copy_max_files: 0,
  verity_copy_max_bytes: 7,
  tmp: 'image',
};

test('every key is read, and written again as it was', () => {
  const policy = readVolumePolicy(ALL, 'volumes.gvisor');
  assert.deepEqual(policy, {
    routes: { emptydir: 'host-shared', 'docker-volume': 'refused' },
    annotations: ['emptydir'],
    overlay: ['bind', 'config'],
    copyMaxBytes: 5,
    copyMaxFiles: 0,
    verityCopyMaxBytes: 7,
    tmp: 'image',
  });
  assert.deepEqual(volumePolicyTable(policy), ALL);
  assert.deepEqual(readVolumePolicy({}, 'volumes.x'), {});
});

const WRONG: readonly (readonly [table: Record<string, unknown>, message: RegExp])[] = [
  [{ emptyDir: 'bind' }, /^unknown key volumes\.gvisor\.emptyDir; there are: annotations, .*emptydir/],
  [{ toString: 'bind' }, /^unknown key volumes\.gvisor\.toString/],
  [{ emptydir: 'guest' }, /^volumes\.gvisor\.emptydir must be one of bind, .*guest-local/],
  [{ emptydir: true }, /^volumes\.gvisor\.emptydir must be one of/],
  [{ overlay: 'bind' }, /^volumes\.gvisor\.overlay must be a list of volume kinds/],
  [{ annotations: ['hostpath'] }, /^volumes\.gvisor\.annotations must be a list of volume kinds/],
  [{ copy_max_bytes: -1 }, /^volumes\.gvisor\.copy_max_bytes must be a whole number/],
  [{ copy_max_files: '1k' }, /^volumes\.gvisor\.copy_max_files must be a whole number/],
  [{ tmp: 'none' }, /^volumes\.gvisor\.tmp must be tmpfs or image/],
];
for (const [table, message] of WRONG) {
  test(`refused: ${JSON.stringify(table)}`, () => {
    assert.throws(() => readVolumePolicy(table, 'volumes.gvisor'), { message });
  });
}
