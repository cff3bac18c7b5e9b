import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerSecurity } from '../../../runtime/containers/config.js';
import { CribError, type ErrorCode } from '../../../runtime/errors.js';
import { resolveUser } from '../../../runtime/spec/users.js';
import { security } from './inputs.js';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# a comment
broken:x:zero:0::/:/bin/sh
app:x:1000:1000:App:/home/app:/bin/sh
odd:x:1001:100::relative:/bin/sh
1002:x:7:7::/seven:/bin/sh
`;
const GROUP = `root:x:0:
app:x:1000:
extra:x:50000:other,app
adm:x:4:root,odd
broken:x:gid:app
`;

let rootfs = '';
before(async () => {
  rootfs = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-users-'));
  await fs.mkdir(path.join(rootfs, 'etc'));
  await fs.writeFile(path.join(rootfs, 'etc/passwd'), PASSWD);
  await fs.writeFile(path.join(rootfs, 'etc/group'), GROUP);
});
after(() => fs.rm(rootfs, { recursive: true, force: true }));

const resolve = (secure: Partial<ContainerSecurity>, imageUser = '') =>
  resolveUser(rootfs, { ...security, ...secure }, imageUser);

async function refuses(secure: Partial<ContainerSecurity>, imageUser: string, code: ErrorCode, message: RegExp) {
  await assert.rejects(
    resolve(secure, imageUser),
    (error: unknown) => error instanceof CribError && error.code === code && message.test(error.message),
  );
}

describe('the user of a container', () => {
  it('is root by default', async () => {
    assert.deepEqual(await resolve({}), { uid: 0, gid: 0, additionalGids: [0, 4], home: '/root' });
  });

  it('takes the group of a known uid, and 0 for an unknown one', async () => {
    const known = { uid: 1000, gid: 1000, additionalGids: [1000, 50000], home: '/home/app' };
    assert.deepEqual(await resolve({ runAsUser: 1000 }), known);
    assert.deepEqual(await resolve({ runAsUsername: 'app' }), known);
    assert.deepEqual(await resolve({}, 'app'), known);
    assert.deepEqual(await resolve({ runAsUser: 4242 }), { uid: 4242, gid: 0, additionalGids: [0], home: '/' });
    assert.equal((await resolve({}, 'odd')).home, '/');
  });

  it('takes a group by id or by name', async () => {
    assert.equal((await resolve({ runAsUser: 1000, runAsGroup: 7 })).gid, 7);
    assert.equal((await resolve({}, 'app:adm')).gid, 4);
    assert.equal((await resolve({}, '55:66')).gid, 66);
    assert.equal((await resolve({ runAsUser: 3 }, 'app:adm')).gid, 0);
  });

  it('reads digits as a uid even where a user has that name', async () => {
    assert.equal((await resolve({}, '1002')).uid, 1002);
  });

  it('merges supplemental groups with those of the image, or not', async () => {
    const groups = { runAsUser: 1000, supplementalGroups: [1234, 1000] };
    assert.deepEqual((await resolve(groups)).additionalGids, [1000, 1234, 50000]);
    const strict = await resolve({ ...groups, supplementalGroupsPolicy: 'strict' });
    assert.deepEqual(strict.additionalGids, [1000, 1234]);
  });

  it('is refused with the field that is wrong', async () => {
    await refuses({ runAsGroup: 5 }, '', 'INVALID_ARGUMENT', /run_as_group/);
    await refuses({ runAsUser: -1 }, '', 'INVALID_ARGUMENT', /run_as_user/);
    await refuses({ supplementalGroups: [2 ** 31] }, '', 'INVALID_ARGUMENT', /supplemental_groups\[0\]/);
    await refuses({ runAsUsername: 'nobody-here' }, '', 'NOT_FOUND', /run_as_username/);
    await refuses({ runAsUsername: 'broken' }, '', 'NOT_FOUND', /run_as_username/);
    await refuses({}, 'app:none', 'NOT_FOUND', /USER/);
    await refuses({}, 'a:b:c', 'FAILED_PRECONDITION', /USER/);
    await refuses({}, '9999999999', 'INVALID_ARGUMENT', /USER/);
  });
});

describe('accounts of a hostile image', () => {
  const hostile = async (make: (etc: string) => Promise<unknown>, check: (root: string) => Promise<unknown>) => {
    const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-hostile-'));
    try {
      await fs.mkdir(path.join(root, 'etc'));
      await make(path.join(root, 'etc'));
      await check(root);
    } finally {
      await fs.rm(root, { recursive: true, force: true });
    }
  };
  const find = (root: string, name: string) => resolveUser(root, security, name);

  it('are not followed out of the root file system', async () => {
    const outside = path.join(rootfs, 'etc/passwd');
    await hostile(
      (etc) => fs.symlink(outside, path.join(etc, 'passwd')),
      (root) => assert.rejects(find(root, 'app'), /no user/),
    );
    await hostile(
      (etc) => fs.symlink(`../../../../../../../..${outside}`, path.join(etc, 'passwd')),
      (root) => assert.rejects(find(root, 'app'), /no user/),
    );
    await hostile(
      async (etc) => {
        await fs.writeFile(path.join(etc, 'real'), PASSWD);
        await fs.symlink('/etc/real', path.join(etc, 'passwd'));
      },
      async (root) => assert.equal((await find(root, 'app')).uid, 1000),
    );
  });

  it('do not block or exhaust crib', async () => {
    const refused = (root: string) =>
      assert.rejects(find(root, '1'), (e: unknown) => e instanceof CribError && e.code === 'FAILED_PRECONDITION');
    await hostile(async (etc) => execFileSync('mkfifo', [path.join(etc, 'passwd')]), refused);
    await hostile((etc) => fs.mkdir(path.join(etc, 'group')), refused);
    await hostile(async (etc) => {
      await fs.writeFile(path.join(etc, 'passwd'), '');
      await fs.truncate(path.join(etc, 'passwd'), 2 ** 40);
    }, refused);
    await hostile((etc) => fs.symlink('passwd', path.join(etc, 'passwd')), refused);
  });
});
