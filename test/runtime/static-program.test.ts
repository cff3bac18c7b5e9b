import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStaticProgram } from '../../runtime/static-program.js';
import { staticBusybox } from '../support/images-debian.js';

test('tells a static program from one that needs libraries, a script, a directory and nothing', async () => {
  assert.equal(await isStaticProgram(await staticBusybox()), true);
  assert.equal(await isStaticProgram(process.execPath), false);
  assert.equal(await isStaticProgram('/etc/passwd'), false);
  assert.equal(await isStaticProgram('/etc'), false);
  assert.equal(await isStaticProgram('/nowhere/at/all'), false);
});
