/** What the host changes in a verified volume after its check: the container ends, or its pod, and none is started with it. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { runscMissing } from '../support/runsc.js';
import { until } from '../support/until.js';
import { mountOf } from '../volumes/fixture.js';
import { referenceRootHash } from '../volumes/verity/reference.js';

const NEVER = new AbortController().signal;
const noGvisor = await runscMissing();
let node: TestNode;
let serial = 0;
const pods = () => node.node().pods;

before(async () => {
  node = await startTestNode('10.203.58.0/24', 'cribtestvv0');
});
after(() => node.stop());

for (const [handler, skip] of [
  ['', false],
  ['gvisor', noGvisor],
] as const) {
  describe(`handler ${handler || 'host'}`, { skip }, () => {
    let volume = '';
    let podId = '';

    afterEach(async () => {
      if (podId !== '') await pods().removePod(podId);
      podId = '';
    });

    async function runPod(action: string, hold: string): Promise<void> {
      serial += 1;
      volume = path.join(node.directory, `volume${serial}`);
      fs.mkdirSync(volume);
      fs.writeFileSync(path.join(volume, 'data'), 'proven');
      const annotations = {
        'roothash.verity.crib.dev/data': referenceRootHash(volume),
        'path.verity.crib.dev/data': '/proven',
        'action.verity.crib.dev/data': action,
        'hold.verity.crib.dev/data': hold,
      };
      podId = await pods().runPod({ ...podConfig(`p${serial}`), annotations }, handler, NEVER);
    }

    async function create(mounted = true): Promise<string> {
      serial += 1;
      const config = { ...containerConfig(`c${serial}`, node.image), command: ['sleep', '100000'] };
      const mounts = mounted ? [mountOf(volume, '/proven', { readonly: true })] : [];
      return pods().createContainer(podId, { ...config, mounts }, undefined);
    }

    async function start(mounted = true): Promise<string> {
      const id = await create(mounted);
      await pods().startContainer(id);
      return id;
    }

    const stateOf = (id: string) => pods().containerStatus(id).state;
    const change = () => fs.writeFileSync(path.join(volume, 'data'), 'Proven');

    it('error: a container whose volume changes is killed and says why; the pod and the others go on', async () => {
      await runPod('error', 'watch');
      const [reader, beside] = [await start(), await start(false)];
      fs.utimesSync(path.join(volume, 'data'), 1, 1);
      change();
      await until(() => stateOf(reader) === 'exited', 'the container is killed');
      const { exitCode, message } = pods().containerStatus(reader);
      assert.equal(exitCode, 137);
      assert.match(message, /^a verified volume has changed: its root hash is .* since it was checked, data changed$/);
      assert.deepEqual([stateOf(beside), pods().podStatus(podId).state], ['running', 'ready']);
      await assert.rejects(create(), { code: 'DATA_LOSS' });
    });

    it('panic: the pod is stopped, also when the change came while cribd was away', async () => {
      await runPod('panic', 'watch');
      const [reader, beside] = [await start(), await start(false)];
      await node.restart(async () => change());
      await until(() => stateOf(reader) === 'exited' && stateOf(beside) === 'exited', 'its containers have ended');
      assert.equal(pods().podStatus(podId).state, 'not-ready');
      const { stopReason } = await pods().podInfo(podId);
      assert.match(String(stopReason), /^a verified volume is not what it should be: .*data changed/);
    });

    it('a container whose volume changes before its start is not started', async () => {
      await runPod('panic', 'watch');
      const id = await create();
      change();
      await assert.rejects(pods().startContainer(id), { code: 'DATA_LOSS', message: /the verified volume "data" \(/ });
      assert.equal(pods().containerStatus(id).reason, 'ContainerCannotRun');
      assert.equal(pods().podStatus(podId).state, 'not-ready');
    });

    it('a copy stays what was checked, whatever becomes of the original', async () => {
      await runPod('panic', 'copy');
      const id = await start();
      change();
      fs.rmSync(path.join(volume, 'data'));
      const { stdout } = await pods().execSync(id, ['cat', '/proven/data'], 10_000, NEVER);
      assert.equal(stdout.toString(), 'proven');
      assert.equal(stateOf(id), 'running');
    });
  });
}
