import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { containersIn, ownPidNamespace, runscRoot, sharedPidNamespace } from '../../../sandbox/gvisor/places.js';

test('the containers that runsc has of a pod are counted by its state files, without the root container', async (t) => {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-places-'));
  t.after(() => fs.rm(root, { recursive: true }));
  assert.equal(await containersIn(path.join(root, 'gone')), 0);
  assert.equal(await containersIn(root), 0);
  for (const name of ['p_sandbox:p', 'a_sandbox:p', 'b_sandbox:p']) {
    await fs.writeFile(path.join(root, `${name}.state`), '{}');
    await fs.writeFile(path.join(root, `${name}.lock`), '');
  }
  assert.equal(await containersIn(root), 2);
});

test("the control socket's path fits, and no two PID namespaces have one name", () => {
  const id = 'f'.repeat(64);
  const socket = path.join(runscRoot('/run/crib', id), `runsc-${'f'.repeat(16)}.sock`);
  assert.ok(socket.length < 108, socket);
  assert.notEqual(sharedPidNamespace(id), ownPidNamespace(id));
});
