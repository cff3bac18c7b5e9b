/** The tests of runtime.test.ts once more, with cgroups that systemd makes. */
import { test } from 'node:test';
import { NO_SYSTEMD } from '../support/systemd.js';

if (NO_SYSTEMD === false) {
  process.env.CRIB_TEST_CGROUP_DRIVER = 'systemd';
  await import('./runtime.test.js');
} else {
  test('pods with the systemd cgroup driver', { skip: NO_SYSTEMD }, () => {});
}
