import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findExecutable } from '../../../runtime/oci/discover.js';
import { hidingCoreSysctls, knownRunsc, tryRunsc } from '../../../runtime/oci/runsc.js';
import { recordingLog } from '../../support/log.js';
import { runscMissing } from '../../support/runsc.js';

const skip = await runscMissing();

async function options(t: TestContext, platform = '') {
  const stateDir = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-runsc-'));
  await fs.chmod(stateDir, 0o711);
  t.after(() => fs.rm(stateDir, { recursive: true }));
  return { stateDir, platform, log: recordingLog().log };
}

test('a sandbox is tried once, and the outcome is known after that', { skip }, async (t) => {
  const file = (await findExecutable('runsc')) ?? assert.fail();
  const given = await options(t);
  assert.equal(await knownRunsc(file, given), undefined);
  const facts = await tryRunsc(file, given);
  assert.equal(facts.reason, '');
  assert.match(facts.platform, /^(systrap|ptrace)$/);
  assert.deepEqual(await knownRunsc(file, given), facts);
  assert.equal(
    await knownRunsc(file, { ...given, platform: 'ptrace' }),
    undefined,
    'another platform is another question',
  );
  assert.deepEqual(await fs.readdir(given.stateDir), ['runsc.json']);
});

test('one that cannot run a sandbox has its reason, and is tried again', async (t) => {
  const given = await options(t);
  const file = path.join(given.stateDir, 'runsc');
  await fs.writeFile(file, '#!/bin/sh\necho "no sandbox today" >&2\nexit 1\n', { mode: 0o755 });
  const facts = await tryRunsc(file, given);
  assert.equal(facts.platform, '');
  assert.match(facts.reason, /^systrap: .*no sandbox today; ptrace: .*no sandbox today$/);
  assert.equal(await knownRunsc(file, given), undefined);
});

test('the command that hides sysctls hands the arguments on as they are', () => {
  const argv = hidingCoreSysctls(['runsc', 'a b', '$c'], ['nsenter', '--net=/n']);
  assert.deepEqual(argv.slice(0, 2), ['nsenter', '--net=/n']);
  assert.deepEqual(argv.slice(-3), ['runsc', 'a b', '$c']);
});
