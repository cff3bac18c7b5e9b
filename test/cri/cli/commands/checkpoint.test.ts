/** `crib checkpoint` on a host where CRIU may or may not work: an archive, or why there is none. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { criuObstacle } from '../../../../runtime/oci/criu.js';
import { crib, startPod } from '../../../support/crib.js';
import { type ServedNode, startServedNode } from '../../../support/server.js';

let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.66.0/24', 'cribtestcp0');
  await startPod(served, { main: ['sleep 1000', {}], done: ['exit 0', {}] });
});

after(() => served.stop());

test('an archive of a running container; where CRIU cannot work, that reason, no archive, and the container runs', async () => {
  const archive = path.join(served.node.directory, 'main.tar');
  const { code, stdout, stderr } = await crib(served, ['checkpoint', 'main', archive]);
  const obstacle = await criuObstacle();
  if (obstacle === undefined) {
    assert.deepEqual([code, stdout], [0, `${archive}\n`], stderr);
    assert.ok((await fs.stat(archive)).size > 0);
  } else {
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^crib: checkpointing container [0-9a-f]{13}: CRIU (is not installed|cannot work)[^\n]*\n$/);
    await assert.rejects(fs.stat(archive), { code: 'ENOENT' });
  }
  const ran = await crib(served, ['exec', 'main', 'echo', 'still here']);
  assert.deepEqual([ran.code, ran.stdout], [0, 'still here\n'], ran.stderr);
});

test('what cannot be checkpointed is said before anything is done', async () => {
  const archive = path.join(served.node.directory, 'no.tar');
  for (const [name, where, why] of [
    ['none', archive, /there is no container none/],
    ['done', archive, /is exited; only one that runs can be checkpointed/],
    ['main', '/nowhere/at/all.tar', /location: \/nowhere\/at is not a directory on this node/],
  ] as const) {
    const { code, stderr } = await crib(served, ['checkpoint', name, where]);
    assert.equal(code, 1, name);
    assert.match(stderr, why);
  }
});
