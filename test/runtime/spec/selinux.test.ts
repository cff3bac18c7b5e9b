import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selinuxLabels } from '../../../runtime/spec/selinux.js';
import { host, inputWith } from './inputs.js';

const WITH = { ...host, selinux: true };
const NONE = { user: '', role: '', type: '', level: '' };
const labels = (change: Partial<typeof NONE> | undefined, facts = WITH, privileged = false) => {
  const selinux = change === undefined ? undefined : { ...NONE, ...change };
  return selinuxLabels(inputWith({}, { selinux, privileged }).config.security, facts);
};

test('what is not named is what containers have', () => {
  assert.deepEqual(labels({ level: 's0:c1,c2' }), {
    process: 'system_u:system_r:container_t:s0:c1,c2',
    mount: 'system_u:object_r:container_file_t:s0:c1,c2',
  });
  assert.equal(labels({ user: 'u', role: 'r', type: 't' })?.process, 'u:r:t:s0');
});

test('none where none are asked for, the host has no SELinux, or the container is privileged', () => {
  assert.equal(labels(undefined), undefined);
  assert.equal(labels({ type: 't' }, host), undefined);
  assert.equal(labels({ type: 't' }, WITH, true), undefined);
});

test('a part that could end a mount option or a label is refused', () => {
  for (const change of [{ type: 'a:b' }, { level: 's0"' }, { user: 'a,b' }, { role: 'a b' }]) {
    assert.throws(() => labels(change), { code: 'INVALID_ARGUMENT', message: /selinux_options\.\w+:/ });
  }
});
