import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parseGroup, parseId, parsePasswd, readAccounts } from '../../../runtime/spec/accounts.js';

let root = '';
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-accounts-'));
  fs.mkdirSync(path.join(root, 'rootfs/etc'), { recursive: true });
  fs.mkdirSync(path.join(root, 'etc'));
  fs.writeFileSync(path.join(root, 'etc/outside'), 'outside:x:0:0::/:/bin/sh\n');
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const rootfs = () => path.join(root, 'rootfs');
const inside = (name: string) => path.join(root, 'rootfs/etc', name);

test('a line whose numbers are none is left out, never read as root', () => {
  const text = [
    'a:x:1:2:g:/home/a:/bin/sh',
    '',
    ' # c',
    'b:x::2::/',
    'c:x:-1:2::/',
    'd:x:0x1:2::/',
    'e:x:1 :2::/',
    'f',
    'g:x:4294967295:3',
  ];
  assert.deepEqual(parsePasswd(text.join('\r\n')), [
    { name: 'a', uid: 1, gid: 2, home: '/home/a' },
    { name: 'g', uid: 4_294_967_295, gid: 3, home: '' },
  ]);
  assert.deepEqual(parseGroup('a:x:1:b, c\nb:x:two:a\nc:x:3\n'), [
    { name: 'a', gid: 1, members: ['b', 'c'] },
    { name: 'c', gid: 3, members: [''] },
  ]);
  for (const text of [undefined, '', '-1', '+1', '1e3', '٣', '12345678901', ' 1'])
    assert.equal(parseId(text), undefined, text);
});

test('nothing of the host is read: not by symlinks, not through magic ones', async () => {
  assert.deepEqual(await readAccounts(rootfs()), { users: [], groups: [] });
  fs.symlinkSync('../../etc/outside', inside('passwd'));
  fs.symlinkSync('/proc/1/root/etc/group', inside('group'));
  assert.deepEqual(await readAccounts(rootfs()), { users: [], groups: [] }, 'the image has no such files');
  fs.rmSync(inside('group'));
  fs.writeFileSync(inside('real'), 'inner:x:5:\n');
  fs.symlinkSync('/etc/real', inside('group'));
  assert.deepEqual((await readAccounts(rootfs())).groups, [{ name: 'inner', gid: 5, members: [''] }]);
  fs.rmSync(inside('passwd'));
  fs.mkdirSync(path.join(rootfs(), 'proc/self/fd'), { recursive: true });
  fs.symlinkSync('/proc/self/fd/0', inside('passwd'));
  assert.deepEqual((await readAccounts(rootfs())).users, []);
});

test('what is no file of a sensible size is refused, without opening it', async () => {
  const make: readonly [RegExp, () => void][] = [
    [/not a regular file/, () => fs.mkdirSync(inside('passwd'))],
    [/not a regular file/, () => assert.equal(spawnSync('mkfifo', [inside('passwd')]).status, 0)],
    [/not a regular file/, () => assert.equal(spawnSync('mknod', [inside('passwd'), 'c', '1', '5']).status, 0)],
    [/has 4194305 bytes; at most 4194304/, () => fs.writeFileSync(inside('passwd'), Buffer.alloc(4 * 1024 * 1024 + 1))],
    [/ELOOP/, () => fs.symlinkSync('passwd', inside('passwd'))],
  ];
  const before = fs.readdirSync('/proc/self/fd').length;
  for (const [message, put] of make) {
    put();
    await assert.rejects(readAccounts(rootfs()), { code: 'FAILED_PRECONDITION', message });
    fs.rmSync(inside('passwd'), { recursive: true });
  }
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
  fs.rmSync(path.join(rootfs(), 'etc'), { recursive: true });
  fs.writeFileSync(path.join(rootfs(), 'etc'), '');
  assert.deepEqual(await readAccounts(rootfs()), { users: [], groups: [] });
});
