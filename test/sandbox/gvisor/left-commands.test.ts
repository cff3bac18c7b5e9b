/** kill -9 of the real daemon and its keeper while a command runs in a gVisor container. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Daemon, startDaemon } from '../../support/daemon.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { runscMissing } from '../../support/runsc.js';
import { containerRequest, podRequest } from '../../support/server.js';
import { until } from '../../support/until.js';

const skip = await runscMissing();
const BRIDGE = 'cribtestgvl0';
const SUBNET = '10.203.118.0/24';

let node: TestNode;
let daemon: Daemon;

before(async () => {
  if (skip !== false) return;
  node = await startTestNode(SUBNET, BRIDGE);
  await node.node().close();
  daemon = await startDaemon(node, BRIDGE, SUBNET);
});

after(async () => {
  if (skip !== false) return;
  await daemon.kill();
  await node.restart();
  await node.stop();
});

async function commandsIn(containerId: string): Promise<string> {
  const cmd = ['ps', '-o', 'args'];
  const { stdout } = await daemon.client.runtime.execSync({ containerId, cmd, timeout: 20n });
  return Buffer.from(stdout).toString();
}

test('a command whose keeper and cribd have died ends in its sandbox at the next start, with its descendants', {
  skip,
}, async () => {
  const { runtime } = daemon.client;
  const { podSandboxId } = await runtime.runPodSandbox({ ...podRequest('left'), runtimeHandler: 'gvisor' });
  const request = containerRequest(podSandboxId, 'c', node.image, 'exec sleep 4500');
  const { containerId } = await runtime.createContainer(request);
  await runtime.startContainer({ containerId });
  const cmd = ['sh', '-c', 'sleep 4501 & sleep 4502; true'];
  const cut = runtime.execSync({ containerId, cmd, timeout: 0n }).catch(() => undefined);
  await until(async () => /sleep 4502/.test(await commandsIn(containerId)), 'the command runs');
  const keeper = Number(await fs.readFile(path.join(node.state, 'keeper.lock'), 'latin1'));
  await Promise.all([daemon.kill(), cut, process.kill(keeper, 'SIGKILL')]);
  daemon = await startDaemon(node, BRIDGE, SUBNET);
  const running = await commandsIn(containerId);
  assert.match(running, /sleep 4500/);
  assert.doesNotMatch(running, /sleep 450[12]/);
  const bundle = path.join(node.state, 'containers', containerId);
  assert.deepEqual(
    (await fs.readdir(bundle)).filter((name) => name.startsWith('exec-')),
    [],
  );
});
