/** Verified volumes of real pods: a wrong byte refuses the container, or stops the pod. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../support/server.js';
import { until } from '../support/until.js';
import { referenceRootHash } from '../volumes/verity/reference.js';

let served: ServedNode;
let volume = '';

before(async () => {
  served = await startServedNode('10.203.90.0/24', 'cribtestvp0');
  volume = path.join(served.node.directory, 'volume');
  await fs.mkdir(volume);
  await fs.writeFile(path.join(volume, 'data'), 'proven');
});

after(() => served.stop());

async function runPod(name: string, annotations: Record<string, string>): Promise<string> {
  const request = podRequest(name);
  const config = { ...request.config, annotations };
  return (await served.client.runtime.runPodSandbox({ ...request, config })).podSandboxId;
}

async function create(pod: string, name: string, script: string, mounted = true): Promise<string> {
  const request = containerRequest(pod, name, served.node.image, script);
  const mounts = mounted ? [{ containerPath: '/proven', hostPath: volume, readonly: true }] : [];
  return (await served.client.runtime.createContainer({ ...request, config: { ...request.config, mounts } }))
    .containerId;
}

const verity = (rootHash: string, action: string) => ({
  'roothash.verity.crib.dev/data': rootHash,
  'path.verity.crib.dev/data': '/proven',
  'action.verity.crib.dev/data': action,
});

async function stateOf(podSandboxId: string): Promise<{ state: number; stopReason: unknown }> {
  const { status, info } = await served.client.runtime.podSandboxStatus({ podSandboxId, verbose: true });
  const facts: unknown = JSON.parse(info.info ?? '{}');
  const stopReason =
    typeof facts === 'object' && facts !== null && 'stopReason' in facts ? facts.stopReason : undefined;
  return { state: status?.state ?? -1, stopReason };
}

test('the right hash is mounted; a wrong byte refuses the next container and leaves the pod', async () => {
  const pod = await runPod('error', verity(referenceRootHash(volume), 'error'));
  const containerId = await create(pod, 'good', 'cat /proven/data; touch /proven/x; sleep 1000');
  await served.client.runtime.startContainer({ containerId });
  await fs.writeFile(path.join(volume, 'data'), 'Proven');
  await assert.rejects(create(pod, 'bad', 'true'), {
    code: 'DATA_LOSS',
    message: /"data" \(.*\/volume\): its root hash is sha256:/,
  });
  assert.deepEqual(await stateOf(pod), { state: 0, stopReason: undefined });
  await fs.writeFile(path.join(volume, 'data'), 'proven');
  await create(pod, 'bad', 'true');
});

test('with panic the pod is stopped, and says why', async () => {
  const pod = await runPod('panic', verity(referenceRootHash(volume), 'panic'));
  const beside = await create(pod, 'beside', 'sleep 1000', false);
  await served.client.runtime.startContainer({ containerId: beside });
  await fs.chmod(path.join(volume, 'data'), 0o600);
  await assert.rejects(create(pod, 'bad', 'true'), { code: 'DATA_LOSS' });
  const { state, stopReason } = await stateOf(pod);
  assert.equal(state, 1);
  assert.match(String(stopReason), /^a verified volume is not what it should be: .*config\.mounts\[0\]/);
  const running = async () =>
    (await served.client.runtime.containerStatus({ containerId: beside })).status?.state === 1;
  await until(async () => !(await running()), 'the container beside it has ended');
  await fs.chmod(path.join(volume, 'data'), 0o644);
});

test('an action that is not known refuses the pod', async () => {
  await assert.rejects(runPod('typo', verity(referenceRootHash(volume), 'panick')), {
    code: 'INVALID_ARGUMENT',
    message: /action\.verity\.crib\.dev\/data.*"panick" is refused/,
  });
});
