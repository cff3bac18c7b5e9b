import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { initId, initRootfs, podOfInit } from '../../../sandbox/pod/init-rootfs.js';

test('an init is named after its pod, and the pod is found by it', () => {
  assert.equal(podOfInit(initId('abc')), 'abc');
  for (const id of ['abc', 'init', 'abc-init-', '']) assert.equal(podOfInit(id), undefined, id);
});

const skip = ['/usr/bin/catatonit', '/usr/libexec/podman/catatonit'].some((file) => fs.existsSync(file))
  ? false
  : 'no catatonit';

test('one root for all, made once however many ask; what a crash has left of it is used', { skip }, async () => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-init-'));
  const rootfs = path.join(state, 'init-rootfs');
  fs.mkdirSync(path.join(rootfs, 'dev'), { recursive: true });
  fs.writeFileSync(path.join(rootfs, 'catatonit.tmp'), 'half', { mode: 0o600 });
  const made = await Promise.all(Array.from({ length: 10 }, () => initRootfs(state, 'it needs one')));
  assert.deepEqual(new Set(made), new Set([rootfs]));
  assert.deepEqual(fs.readdirSync(rootfs).sort(), ['catatonit', 'dev', 'proc']);
  const { mode, ino, size } = fs.statSync(path.join(rootfs, 'catatonit'));
  assert.equal(mode & 0o777, 0o755);
  assert.ok(size > 1000);
  await initRootfs(state, 'it needs one');
  assert.equal(fs.statSync(path.join(rootfs, 'catatonit')).ino, ino, 'it is not made again');
  fs.rmSync(state, { recursive: true });
});
