import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { unmountIfMounted } from '../../runtime/containers/rootfs.js';
import { mount, unmount } from '../../runtime/linux/mounts.js';
import { command } from '../support/command.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';

const NEVER = new AbortController().signal;

test('a disk that turns read-only: what is new is refused and says so, and all can be stopped once it is writable', async () => {
  const node = await startTestNode('10.203.10.0/24', 'cribtestro0', async (directory) => {
    mount('tmpfs', directory, 'tmpfs', 0, 'size=256m');
  });
  try {
    await turnReadOnly(node);
  } finally {
    if (await isReadOnly(node)) makeWritable(node);
    await node.stop();
    unmountIfMounted(node.directory);
    await fs.rmdir(node.directory);
  }
});

/**
 * A read-only mount of the directory on top of itself: every path from now on leads to it, what is open stays open. A
 * file system cannot be remounted read-only while files are open for writing; one that fails does so all the same.
 */
async function makeReadOnly({ directory }: TestNode): Promise<void> {
  await command('mount', ['--rbind', directory, directory]);
  await command('mount', ['-o', 'remount,bind,ro', directory]);
}

function makeWritable({ directory }: TestNode): void {
  unmount(directory);
}

async function isReadOnly({ directory }: TestNode): Promise<boolean> {
  return fs.access(directory, fs.constants.W_OK).then(
    () => false,
    () => true,
  );
}

async function turnReadOnly(node: TestNode): Promise<void> {
  const { pods, images } = node.node();
  const pod = await pods.runPod(podConfig('before'), '', NEVER);
  const config = { ...containerConfig('c', node.image), command: ['sleep', '1000'] };
  const running = await pods.createContainer(pod, config, undefined);
  await pods.startContainer(running);

  await makeReadOnly(node);
  const told = { code: 'FAILED_PRECONDITION', message: /read-only file system/ };
  await assert.rejects(pods.runPod(podConfig('during'), '', NEVER), told);
  const other = { ...config, metadata: { name: 'other', attempt: 0 } };
  await assert.rejects(pods.createContainer(pod, other, undefined), told);
  await assert.rejects(images.pull(node.image, { signal: NEVER }), told);
  assert.equal(pods.podStatus(pod).state, 'ready');
  assert.equal(pods.containerStatus(running).state, 'running');
  await assert.rejects(pods.stopPod(pod), /read-only file system/);

  makeWritable(node);
  await pods.stopPod(pod);
  assert.equal(pods.containerStatus(running).state, 'exited');
  await pods.removePod(pod);
  await pods.removePod(await pods.runPod(podConfig('during'), '', NEVER));
}
