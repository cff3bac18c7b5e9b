/** CheckpointContainer through a real client: an archive where CRIU works, a reason where it does not, nothing left. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { criuObstacle } from '../../runtime/oci/criu.js';
import { command } from '../support/command.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../support/server.js';

let served: ServedNode;
let pod = '';
let containerId = '';
const obstacle = await criuObstacle();

before(async () => {
  served = await startServedNode('10.203.35.0/24', 'cribtestck0');
  pod = (await served.client.runtime.runPodSandbox(podRequest('checkpoint'))).podSandboxId;
  containerId = await create('counter');
  await served.client.runtime.startContainer({ containerId });
});
after(() => served.stop());

async function create(name: string): Promise<string> {
  const script = 'echo hello > /written; rm /etc/group; sleep 1000';
  return (await served.client.runtime.createContainer(containerRequest(pod, name, served.node.image, script)))
    .containerId;
}

async function leftovers(): Promise<string[]> {
  const own = await fs.readdir(path.join(served.node.root, 'containers', containerId));
  const archives = await fs.readdir(served.node.directory);
  return [...own.filter((name) => name.startsWith('checkpoint')), ...archives.filter((name) => name.includes('.tar'))];
}

async function alive(): Promise<boolean> {
  const { stdout } = await served.client.runtime.execSync({ containerId, cmd: ['echo', 'alive'], timeout: 10n });
  return Buffer.from(stdout).toString() === 'alive\n';
}

test('without CRIU the reason is said, and nothing is left', { skip: obstacle === undefined }, async () => {
  const location = path.join(served.node.directory, 'a.tar');
  await assert.rejects(served.client.runtime.checkpointContainer({ containerId, location }), {
    code: 'FAILED_PRECONDITION',
    message: /checkpointing container .*CRIU/,
  });
  assert.deepEqual(await leftovers(), []);
  assert.ok(await alive());
});

test('an archive of a container that goes on running', { skip: obstacle ?? false }, async () => {
  const location = path.join(served.node.directory, 'a.tar');
  await served.client.runtime.checkpointContainer({ containerId, location });
  const parts = (await command('tar', ['-tf', location])).toString();
  for (const part of ['checkpoint/inventory.img', 'config.dump', 'spec.dump', 'rootfs-diff.tar']) {
    assert.ok(parts.split('\n').includes(part), parts);
  }
  await fs.rm(location);
  assert.deepEqual(await leftovers(), []);
  assert.ok(await alive());
});

test('what cannot be checkpointed is refused', async () => {
  const created = await create('created');
  const location = path.join(served.node.directory, 'a.tar');
  await assert.rejects(served.client.runtime.checkpointContainer({ containerId: created, location }), {
    code: 'FAILED_PRECONDITION',
    message: /is created; only one that runs/,
  });
  await assert.rejects(served.client.runtime.checkpointContainer({ containerId, location: '/nonexistent/a.tar' }), {
    code: 'FAILED_PRECONDITION',
    message: /location: \/nonexistent is not a directory/,
  });
  assert.deepEqual(await leftovers(), []);
});

test('a container that a killed daemon left standing still goes on after the next start', async () => {
  const directory = path.join(served.node.root, 'containers', containerId, 'checkpoint');
  const runtime = path.join(served.node.state, 'oci', process.env.CRIB_TEST_OCI_RUNTIME ?? 'runc');
  await served.restart(async () => {
    await fs.mkdir(path.join(directory, 'checkpoint'), { recursive: true });
    await command(process.env.CRIB_TEST_OCI_RUNTIME ?? 'runc', ['--root', runtime, 'pause', containerId]);
  });
  assert.ok(await alive());
  assert.deepEqual(await leftovers(), []);
});
