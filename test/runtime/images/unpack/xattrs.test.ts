import assert from 'node:assert/strict';
import fs from 'node:fs';
import { beforeEach, test } from 'node:test';
import { applyXattrs } from '../../../../runtime/images/unpack/xattrs.js';
import { getXattr, listXattrs } from '../../../../runtime/linux/files.js';
import { jailThisFile } from './jailed.js';

jailThisFile();
beforeEach(() => fs.writeFileSync('/file', ''));

const apply = (...entries: [string, Buffer][]) => applyXattrs('/file', new Map(entries));

test('values are bytes, and what is the host’s own business is passed over', () => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  apply(
    ['security.selinux', Buffer.from('system_u:object_r:bin_t:s0\0')],
    ['security.ima', Buffer.of(1)],
    ['security.evm', Buffer.of(1)],
    ['system.nfs4_acl', Buffer.of(1)],
    ['security.capability', capability],
    ['user.b', Buffer.of(0, 10, 255)],
  );
  assert.deepEqual(listXattrs('/file').sort(), ['security.capability', 'user.b']);
  assert.deepEqual(getXattr('/file', 'security.capability'), capability);
});

test('what steers overlayfs is passed over under both of its prefixes, whatever the name', () => {
  for (const name of [
    'trusted.overlay.redirect',
    'user.overlay.opaque',
    'trusted.overlay.metacopy',
    'trusted.overlay.overlay.x',
    'user.overlay.x\ny',
  ]) {
    apply([name, Buffer.from('y')]);
    assert.deepEqual(listXattrs('/file'), [], name);
  }
  apply(['user.overlays', Buffer.of(1)], ['user.empty', Buffer.alloc(0)]);
  assert.deepEqual(listXattrs('/file').sort(), ['user.empty', 'user.overlays']);
});

test('a value or name that is larger than the kernel takes is refused before it is tried', () => {
  assert.throws(() => apply(['user.v', Buffer.alloc(65537)]), { code: 'INVALID_ARGUMENT', message: /too large/ });
  assert.throws(
    () => apply([`user.${'n'.repeat(251)}`, Buffer.of(1)]),
    (error: Error) => {
      assert.match(error.message, /too large/);
      return error.message.length < 250;
    },
  );
});
