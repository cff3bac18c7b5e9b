import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { unmountIfMounted } from '../../runtime/containers/rootfs.js';
import { mount } from '../../runtime/linux/mounts.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';

const NEVER = new AbortController().signal;

test('a full disk refuses what is new with RESOURCE_EXHAUSTED, and a pod can still be stopped and removed', async () => {
  const node = await startTestNode('10.203.2.0/24', 'cribtestpod1', async (directory) => {
    mount('tmpfs', directory, 'tmpfs', 0, 'size=64m');
  });
  try {
    await fillAndStop(node);
  } finally {
    await node.stop();
    unmountIfMounted(node.directory);
    await fs.rmdir(node.directory);
  }
});

async function fillAndStop(node: TestNode): Promise<void> {
  const { pods, images } = node.node();
  const pod = await pods.runPod(podConfig('before'), '', NEVER);
  const config = { ...containerConfig('c', node.image), command: ['sleep', '1000'] };
  const running = await pods.createContainer(pod, config, undefined);
  await pods.startContainer(running);

  const filler = path.join(node.directory, 'filler');
  await fill(filler);
  const exhausted = {
    code: 'RESOURCE_EXHAUSTED',
    message: /(writing|making|updating|running|creating|pull) .*no space left/,
  };
  await assert.rejects(pods.runPod(podConfig('during'), '', NEVER), exhausted);
  const other = { ...config, metadata: { name: 'other', attempt: 0 } };
  await assert.rejects(pods.createContainer(pod, other, undefined), exhausted);
  await assert.rejects(pods.execSync(running, ['true'], 10_000, NEVER), exhausted);
  await assert.rejects(pods.updateContainerResources(running, { ...config.resources, cpuShares: 512 }), exhausted);
  const whichDisk = { ...exhausted, message: new RegExp(`^pull .*on the file system of ${node.root}; free some`) };
  await assert.rejects(images.pull(node.image, {}), whichDisk);
  await pods.stopPod(pod);
  assert.equal(pods.podStatus(pod).state, 'not-ready');
  assert.equal(pods.containerStatus(running).exitCode, 137);
  await pods.removePod(pod);
  assert.deepEqual(pods.listPods({}), []);

  await fs.rm(filler);
  await pods.removePod(await pods.runPod(podConfig('during'), '', NEVER));
}

async function fill(file: string): Promise<void> {
  const handle = await fs.open(file, 'w');
  try {
    for (;;) await handle.write(Buffer.alloc(65_536));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    await handle.close();
  }
}
