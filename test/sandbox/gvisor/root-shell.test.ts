import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_FEATURES } from '../../../runtime/oci/feature-trials.js';
import { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { rootShell } from '../../../sandbox/gvisor/root-shell.js';
import { podRecord } from '../../support/records.js';

function shellOf(path: string) {
  const facts = { name: 'runsc', path, version: '', works: true, reason: '', features: NO_FEATURES };
  const targetOf = ({ id }: { id: string }) => ({ id: `root-of-${id}`, root: '/run/runsc', log: '/dev/null' });
  return rootShell(new OciRuntime(facts), targetOf);
}

test('a script runs as root of the root container, with what it needs to give files any owner', async () => {
  const printed = await shellOf('/bin/echo')(podRecord('pod'), 'the script', Buffer.alloc(0));
  const [, words = ''] = printed.trim().split(' exec ');
  const capabilities = '--cap=CAP_CHOWN --cap=CAP_DAC_OVERRIDE --cap=CAP_FOWNER --cap=CAP_FSETID';
  assert.equal(words, `--user=0:0 ${capabilities} root-of-pod /bin/busybox sh -c the script copies`);
});

test('a failure says what was run, without the script', async () => {
  await assert.rejects(shellOf('/bin/false')(podRecord('pod'), 'the script', Buffer.alloc(0)), (error: Error) => {
    assert.match(error.message, /exec copies: exit code 1/);
    assert.doesNotMatch(error.message, /the script/);
    return true;
  });
});
