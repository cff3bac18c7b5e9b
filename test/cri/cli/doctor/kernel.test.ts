import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelChecks, openFiles } from '../../../../cri/cli/doctor/kernel.js';

test('each thing is told once, in a state, and what is not well with a way out', async () => {
  const checks = await kernelChecks();
  const names = checks.map(({ what }) => what);
  assert.equal(new Set(names).size, names.length);
  for (const wanted of ['root', 'kernel', 'mount calls', 'cgroups', 'overlayfs', 'open files']) {
    assert.ok(names.includes(wanted), wanted);
  }
  for (const { what, state, detail, mend } of checks) {
    assert.notEqual(detail, '', what);
    if (state !== 'ok') assert.notEqual(mend, '', what);
  }
});

test('few open files are few containers', () => {
  assert.equal(openFiles(1_048_576).state, 'ok');
  assert.equal(openFiles(Number(2n ** 64n - 1n)).state, 'ok', 'no limit at all');
  const { state, detail, mend } = openFiles(4096);
  assert.deepEqual([state, detail], ['limited', 'at most 4096: room for about 779 containers']);
  assert.match(mend, /LimitNOFILE=1024:1048576/);
  assert.equal(openFiles(100).detail, 'at most 100: room for about 0 containers');
});
