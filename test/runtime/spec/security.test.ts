import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSecurity } from '../../../runtime/containers/config.js';
import { hiddenPaths, seccompProfile } from '../../../runtime/spec/security.js';
import type { SpecInput } from '../../../runtime/spec/types.js';
import { host, inputWith } from './inputs.js';

type Kind = NonNullable<ContainerSecurity['seccomp']>['type'];

const LOCALHOST = { defaultAction: 'SCMP_ACT_LOG', syscalls: [] };

function profile(type: Kind | undefined, secure: Partial<ContainerSecurity> = {}, rest: Partial<SpecInput> = {}) {
  const seccomp = type === undefined ? undefined : { type, localhostRef: '' };
  return seccompProfile(inputWith({}, { seccomp, ...secure }, { localhostSeccomp: LOCALHOST, ...rest }), [
    'CAP_SYS_BOOT',
  ]);
}

test('a container has the profile that was asked for, with what its capabilities allow', () => {
  const usual = profile('runtime-default');
  assert.equal(usual?.defaultAction, 'SCMP_ACT_ERRNO');
  assert.ok(usual?.syscalls?.some(({ names }) => names.includes('reboot')));
  assert.equal(profile('localhost')?.defaultAction, 'SCMP_ACT_LOG');
});

test('it has none only where that was asked for', () => {
  for (const none of [profile('unconfined'), profile(undefined), profile('localhost', { privileged: true })]) {
    assert.equal(none, undefined);
  }
  assert.equal(profile('runtime-default', { privileged: true }), undefined);
});

test('on a kernel without seccomp a profile is refused, never left out in silence', () => {
  const without = { host: { ...host, seccomp: false } };
  for (const type of ['runtime-default', 'localhost'] as const) {
    assert.throws(() => profile(type, {}, without), {
      code: 'FAILED_PRECONDITION',
      message: /seccomp: this kernel has no/,
    });
  }
  assert.equal(profile('unconfined', {}, without), undefined);
  assert.equal(profile(undefined, {}, without), undefined);
});

test('paths are hidden as the client says: none where it says none, none of a privileged one', () => {
  const secure = { maskedPaths: ['/proc/kcore', '/sys/firmware/'], readonlyPaths: ['/proc/sys'] };
  const hidden = { masked: ['/proc/kcore', '/sys/firmware'], readonly: ['/proc/sys'] };
  assert.deepEqual(hiddenPaths(inputWith({}, secure)), hidden);
  assert.deepEqual(hiddenPaths(inputWith({}, { maskedPaths: [], readonlyPaths: [] })), { masked: [], readonly: [] });
  assert.deepEqual(hiddenPaths(inputWith({}, { ...secure, privileged: true })), { masked: [], readonly: [] });
});

test('a path that is none is told with its field and place', () => {
  for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
    for (const path of ['proc/kcore', '', '/proc/\0']) {
      const message = new RegExp(`security_context\\.${field === 'maskedPaths' ? 'masked' : 'readonly'}_paths\\[1\\]`);
      const hide = () => hiddenPaths(inputWith({}, { [field]: ['/proc/keys', path] }));
      assert.throws(hide, { code: 'INVALID_ARGUMENT', message }, path);
    }
  }
});
