import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import { localhostSeccomp } from '../../../../runtime/spec/seccomp/profile.js';

const precondition = (message: RegExp) => (error: unknown) =>
  error instanceof CribError && error.code === 'FAILED_PRECONDITION' && message.test(error.message);

const rule = (name: string, more: object) => ({ names: [name], action: 'SCMP_ACT_ALLOW', ...more });
const withValue = (value: unknown) => ({
  defaultAction: 'x',
  syscalls: [rule('a', { args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })],
});

/** The calls of the rules that apply. */
function names(syscalls: readonly object[], capabilities: readonly string[] = []): string[] {
  const { syscalls: rules = [] } = localhostSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, capabilities);
  return rules.flatMap((entry) => entry.names);
}

test('the fields of OCI are kept', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64'],
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    syscalls: [
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        errnoRet: 1,
        args: [{ index: 0, value: 5, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  };
  assert.deepEqual(localhostSeccomp(profile, []), profile);
});

test('Docker’s conditions apply', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    ],
    syscalls: [
      rule('always', {}),
      rule('admin', { includes: { caps: ['CAP_SYS_ADMIN'] } }),
      rule('no-admin', { excludes: { caps: ['CAP_SYS_ADMIN'] } }),
      rule('other-machine', { includes: { arches: ['pdp11'] } }),
      rule('old-kernel', { includes: { minKernel: '3.0' } }),
      rule('future-kernel', { includes: { minKernel: '99.0' } }),
    ],
  };
  const called = (capabilities: string[]) =>
    localhostSeccomp(profile, capabilities).syscalls?.flatMap((entry) => entry.names);
  assert.deepEqual(called([]), ['always', 'no-admin', 'old-kernel']);
  assert.deepEqual(called(['CAP_SYS_ADMIN']), ['always', 'admin', 'old-kernel']);
  assert.equal(localhostSeccomp(profile, []).architectures?.length, 2);
});

test('a kernel is compared by number, not as text, and to its minor version', () => {
  const [major = 0, minor = 0] = os.release().split('.').map(Number);
  const at = (version: string) => [
    ...names([rule('included', { includes: { minKernel: version } })]),
    ...names([rule('excluded', { excludes: { minKernel: version } })]),
  ];
  for (const older of [`${major}.${minor}`, `${major - 1}.99`, '3.10', `${major}.0`]) {
    assert.deepEqual(at(older), ['included'], older);
  }
  for (const newer of [`${major}.${minor + 1}`, `${major + 1}.0`, `${major * 10}.0`]) {
    assert.deepEqual(at(newer), ['excluded'], newer);
  }
});

test('all of the capabilities that are included must be there, any that is excluded is enough', () => {
  const both = { caps: ['CAP_A', 'CAP_B'] };
  const rules = [rule('included', { includes: both }), rule('excluded', { excludes: both })];
  assert.deepEqual(names(rules, []), ['excluded']);
  assert.deepEqual(names(rules, ['CAP_A']), []);
  assert.deepEqual(names(rules, ['CAP_B', 'CAP_A']), ['included']);
});

test('an architecture is Docker’s name of this one', { skip: process.arch !== 'x64' && 'not x86-64' }, () => {
  const rules = [
    rule('here', { includes: { arches: ['arm64', 'amd64'] } }),
    rule('elsewhere', { includes: { arches: ['arm64'] } }),
    rule('not-here', { excludes: { arches: ['amd64'] } }),
    rule('not-elsewhere', { excludes: { arches: ['s390x'] } }),
  ];
  assert.deepEqual(names(rules), ['here', 'not-elsewhere']);
  const archMap = [{ architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] }];
  assert.deepEqual(localhostSeccomp({ defaultAction: 'x', archMap }, []).architectures, []);
});

test('what Go writes as null is not there', () => {
  const nothing = { name: null, includes: null, excludes: null, args: null, errnoRet: null };
  const absent = { ...nothing, includes: { caps: null, arches: null, minKernel: null }, excludes: { minKernel: null } };
  assert.deepEqual(names([rule('one', nothing), rule('two', absent)]), ['one', 'two']);
  const whole = { defaultAction: 'x', architectures: null, archMap: null, flags: null, syscalls: null };
  assert.deepEqual(localhostSeccomp(whole, []), { defaultAction: 'x', architectures: [], syscalls: [] });
});

test('a version that cannot be read is told: the rule must not be left out, or in, for it', () => {
  for (const minKernel of ['', '4', '4.x', '4.8.1', 'v4.8', 4.8]) {
    for (const when of ['includes', 'excludes']) {
      const profile = [rule('a', { [when]: { minKernel } })];
      assert.throws(() => names(profile), precondition(new RegExp(`${when}\\.minKernel is not`)), String(minKernel));
    }
  }
});

test('what is malformed is refused with what is wrong', () => {
  for (const [profile, message] of [
    [undefined, /the profile is not an object/],
    [{}, /defaultAction is not a string/],
    [{ defaultAction: 'x', syscalls: {} }, /syscalls is not a list/],
    [{ defaultAction: 'x', syscalls: [{ action: 'x' }] }, /names is not a list/],
    [{ defaultAction: 'x', syscalls: [{ names: ['a', 1], action: 'x' }] }, /names is not a string/],
    [{ defaultAction: 'x', syscalls: [null] }, /syscalls\[0\] is not an object/],
    [{ defaultAction: 'x', archMap: {} }, /archMap is not a list/],
    [{ defaultAction: 'x', defaultErrnoRet: -1 }, /defaultErrnoRet is not an integer/],
    [withValue(2 ** 53), /args\.value is not an integer from 0 to 2\^53 - 1/],
    [withValue(-1), /args\.value/],
    [withValue('0x10'), /args\.value/],
  ] as const) {
    assert.throws(() => localhostSeccomp(profile, []), precondition(message));
  }
});
