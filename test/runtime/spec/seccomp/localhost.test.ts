import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import { loadLocalhostSeccomp } from '../../../../runtime/spec/seccomp/localhost.js';
import { localhostSeccomp } from '../../../../runtime/spec/seccomp/profile.js';
import { security } from '../inputs.js';

let directory = '';
before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-seccomp-'));
});
after(() => fs.rm(directory, { recursive: true, force: true }));

const load = (file: string, privileged = false) =>
  loadLocalhostSeccomp({ ...security, privileged, seccomp: { type: 'localhost', localhostRef: file } });

const precondition = (message: RegExp) => (error: unknown) =>
  error instanceof CribError && error.code === 'FAILED_PRECONDITION' && message.test(error.message);

describe('a localhost profile', () => {
  it('is read from its file', async () => {
    const file = path.join(directory, 'good.json');
    await fs.writeFile(file, '{"defaultAction":"SCMP_ACT_ALLOW"}');
    assert.deepEqual(await load(file), { defaultAction: 'SCMP_ACT_ALLOW' });
    assert.deepEqual(await load(`localhost/${file}`), { defaultAction: 'SCMP_ACT_ALLOW' });
    assert.equal(await load(file, true), undefined);
    assert.equal(await loadLocalhostSeccomp(security), undefined);
  });

  it('is refused when missing, too large, no file, or not JSON', async () => {
    await assert.rejects(load(path.join(directory, 'none')), precondition(/does not exist/));
    await assert.rejects(load(directory), precondition(/not a regular file/));
    const file = path.join(directory, 'bad.json');
    await fs.writeFile(file, '{');
    await assert.rejects(load(file), precondition(/not JSON/));
    await fs.truncate(file, 2 ** 30);
    await assert.rejects(load(file), precondition(/bytes/));
    await assert.rejects(load('relative.json'), /INVALID_ARGUMENT|not an absolute path/);
  });

  it('keeps the fields of OCI', () => {
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

  it('applies Docker’s conditions', () => {
    const rule = (name: string, more: object) => ({ name, action: 'SCMP_ACT_ALLOW', ...more });
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
    const names = (capabilities: string[]) =>
      localhostSeccomp(profile, capabilities).syscalls?.flatMap((entry) => entry.names);
    assert.deepEqual(names([]), ['always', 'no-admin', 'old-kernel']);
    assert.deepEqual(names(['CAP_SYS_ADMIN']), ['always', 'admin', 'old-kernel']);
    assert.equal(localhostSeccomp(profile, []).architectures?.length, 2);
  });

  it('is refused when malformed, with what is wrong', () => {
    for (const [profile, message] of [
      [undefined, /the profile is not an object/],
      [{}, /defaultAction is not a string/],
      [{ defaultAction: 'x', syscalls: {} }, /syscalls is not a list/],
      [{ defaultAction: 'x', syscalls: [{ action: 'x' }] }, /names is not a list/],
      [
        { defaultAction: 'x', syscalls: [{ names: ['a'], action: 'x', args: [{ index: 0, value: 2 ** 60 }] }] },
        /value/,
      ],
    ] as const) {
      assert.throws(() => localhostSeccomp(profile, []), precondition(message));
    }
  });
});
