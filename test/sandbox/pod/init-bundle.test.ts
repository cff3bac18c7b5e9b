import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { initProcess, NOBODY, writeInitBundle } from '../../../sandbox/pod/init-bundle.js';

test('the process that every container of the pod sees can do nothing', async () => {
  const process = initProcess({ uid: NOBODY, gid: NOBODY });
  assert.deepEqual(new Set(Object.values(process.capabilities as object).flat()), new Set());
  assert.equal(process.noNewPrivileges, true);
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-init-bundle-'));
  const bundle = path.join(root, 'a', 'bundle');
  for (const hostname of ['first', 'again']) await writeInitBundle(bundle, { hostname, process });
  const file = path.join(bundle, 'config.json');
  assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), { hostname: 'again', process });
  assert.deepEqual([fs.statSync(bundle).mode & 0o777, fs.statSync(file).mode & 0o777], [0o700, 0o600]);
  fs.rmSync(root, { recursive: true });
});
