import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { requireReachable } from '../../../runtime/containers/reachable.js';

test('every directory on the way must let others through', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-reach-'));
  const state = path.join(directory, 'state');
  fs.mkdirSync(state, { mode: 0o711 });
  await assert.rejects(requireReachable(state), {
    code: 'FAILED_PRECONDITION',
    message: new RegExp(`${directory} lets only its owner through; run \`chmod o\\+x ${directory}\``),
  });
  fs.chmodSync(directory, 0o711);
  await requireReachable(state);
  fs.rmSync(directory, { recursive: true });
});
