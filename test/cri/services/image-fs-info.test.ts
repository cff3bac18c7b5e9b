/** ImageFsInfo as a kubelet reads it: images on one side, what containers write on the other. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../support/server.js';

const WRITTEN = 8 << 20;
let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.33.0/24', 'cribtestfs0');
});
after(() => served.stop());

async function usage() {
  const { imageFilesystems, containerFilesystems } = await served.client.images.imageFsInfo({});
  const [images, containers] = [imageFilesystems[0], containerFilesystems[0]];
  if (images === undefined || containers === undefined) throw new Error('a file system is missing');
  return { images, containers };
}

test('what a container writes counts as the containers’, and its image does not change', async () => {
  const before = await usage();
  assert.equal(before.images.fsId?.mountpoint, served.node.root);
  assert.equal(before.containers.fsId?.mountpoint, served.node.root, 'another name would mean another disk');
  const { podSandboxId } = await served.client.runtime.runPodSandbox(podRequest('disk'));
  const script = `head -c ${WRITTEN} /dev/urandom > /big; sleep 1000`;
  const request = containerRequest(podSandboxId, 'writer', served.node.image, script);
  const { containerId } = await served.client.runtime.createContainer(request);
  await served.client.runtime.startContainer({ containerId });
  // Nobody asks for the statistics of a container: the layers are found all the same, by a scan every ten seconds.
  let now = await usage();
  for (let wait = 0; wait < 150 && (now.containers.usedBytes?.value ?? 0n) < WRITTEN; wait += 1) {
    await sleep(100);
    now = await usage();
  }
  assert.ok((now.containers.usedBytes?.value ?? 0n) >= WRITTEN, `${now.containers.usedBytes?.value} bytes are counted`);
  assert.ok((now.containers.inodesUsed?.value ?? 0n) >= 2n);
  assert.ok(now.containers.timestamp > 0n);
  assert.equal(now.images.usedBytes?.value, before.images.usedBytes?.value);
  await served.client.runtime.removePodSandbox({ podSandboxId });
  assert.equal((await usage()).containers.usedBytes?.value, 0n);
});

test('an image counts as the images’ until it is removed', async () => {
  const before = await usage();
  assert.ok((before.images.usedBytes?.value ?? 0n) > 100_000n);
  await served.client.images.removeImage({ image: { image: served.node.image } });
  assert.equal((await usage()).images.usedBytes?.value, 0n);
  await served.client.images.pullImage({ image: { image: served.node.image } });
  assert.equal((await usage()).images.usedBytes?.value, before.images.usedBytes?.value);
});
