import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { localPodsRoot, logDirectoryOf, removeLocalPod } from '../../../../cri/cli/pod/local-pods.js';

test('only what crib run has made of this very pod is removed', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-local-pods-'));
  const pods = localPodsRoot(root);
  const logs = logDirectoryOf(pods, 'uid');
  const others = [
    path.join(root, 'logs'),
    path.join(pods, 'other', 'logs'),
    path.join(root, 'elsewhere', 'uid', 'logs'),
  ];
  for (const directory of [logs, path.join(pods, 'uid', 'volumes', 'v'), ...others])
    fs.mkdirSync(directory, { recursive: true });
  for (const [directory, uid] of [
    ['', 'uid'],
    ['/', ''],
    [root, 'uid'],
    [path.join(root, 'logs'), ''],
    [path.join(pods, 'logs'), '.'],
    [path.join(pods, 'uid', '..', 'logs'), '..'],
    [logs, 'other'],
    [`${logs}/`, '../uid'],
    [path.join(root, 'elsewhere', 'uid', 'logs'), 'uid'],
  ] as const) {
    await removeLocalPod(directory, uid);
  }
  for (const directory of [logs, ...others]) assert.ok(fs.existsSync(directory), directory);
  await removeLocalPod(logs, 'uid');
  await removeLocalPod(logs, 'uid');
  assert.equal(fs.existsSync(path.join(pods, 'uid')), false);
  for (const directory of others) assert.ok(fs.existsSync(directory), directory);
  fs.rmSync(root, { recursive: true });
});
