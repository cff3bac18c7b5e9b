/** `crib logs` of a container that goes on while the daemon comes and goes. */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { crib, startCrib } from '../../../support/crib.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../../support/server.js';

let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.67.0/24', 'cribtestcl0');
});

after(() => served.stop());

/** A container that logs to a file: the first lines, the rest once /go is there, then its end. */
async function start(name: string): Promise<string> {
  const { runtime } = served.client;
  const logDirectory = path.join(served.node.directory, 'logs');
  await mkdir(logDirectory, { recursive: true });
  const pod = podRequest(name);
  const sandboxConfig = { ...pod.config, logDirectory };
  const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig });
  const script = 'seq 1 3; until [ -e /go ]; do sleep 0.05; done; seq 4 6';
  const request = containerRequest(podSandboxId, name, served.node.image, script);
  const config = { ...request.config, logPath: `${name}.log` };
  const { containerId } = await runtime.createContainer({ ...request, config, sandboxConfig });
  await runtime.startContainer({ containerId });
  return containerId;
}

test('following goes on over a daemon that ends and comes back, to the end of the container', async () => {
  const containerId = await start('goes');
  const follows = startCrib(served, 'logs', '-f', 'goes');
  await follows.shows(/1\n2\n3\n$/);
  // Long enough for the question whether the container has ended to be asked of nobody.
  await served.restart(() => new Promise((resolve) => setTimeout(resolve, 1_500)));
  await served.client.runtime.execSync({ containerId, cmd: ['touch', '/go'], timeout: 10n });
  assert.equal(await follows.ended, 0, follows.stderr);
  assert.equal(follows.stdout, '1\n2\n3\n4\n5\n6\n');
});

test('without following: what is there, the last lines of it, or why there is nothing', async () => {
  await start('stays');
  const follows = startCrib(served, 'logs', '-f', 'stays');
  await follows.shows(/3\n$/);
  follows.child.kill('SIGINT');
  assert.equal(await follows.ended, 'SIGINT');
  const all = await crib(served, ['logs', 'stays']);
  assert.deepEqual([all.code, all.stdout], [0, '1\n2\n3\n'], all.stderr);
  const last = await crib(served, ['logs', '--tail', '1', 'stays']);
  assert.deepEqual([last.code, last.stdout], [0, '3\n'], last.stderr);
  const none = await crib(served, ['logs', 'nothing']);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /there is no container nothing/);
});
