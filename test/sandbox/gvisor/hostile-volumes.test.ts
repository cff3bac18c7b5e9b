/** A container in gVisor against the host that works on its volumes; and volumes that must be what they were. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { MountConfig } from '../../../runtime/containers/config.js';
import { CribError } from '../../../runtime/errors.js';
import { openPath } from '../../../runtime/linux/mounts.js';
import { removeTree } from '../../../runtime/remove-tree.js';
import { treeUsage } from '../../../sandbox/tree-usage.js';
import { removePodVolumes } from '../../../volumes/local.js';
import { createConfigVolume } from '../../../volumes/local-config.js';
import { SharedDirectory } from '../../../volumes/shared/shared-directory.js';
import { openSubPath } from '../../../volumes/sub-path.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { recordingLog } from '../../support/log.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { runscMissing } from '../../support/runsc.js';
import { treeSnapshot } from '../../support/tree-snapshot.js';
import { until } from '../../support/until.js';
import { mountOf } from '../../volumes/fixture.js';
import { referenceRootHash } from '../../volumes/verity/reference.js';

const skip = await runscMissing();
/** More than the directories that the container leaves behind can take among the 10,000 entries that are looked at. */
const OUTSIDE_BYTES = 64 << 20;
const NEVER = new AbortController().signal;
let node: TestNode;
let podId = '';
let serial = 0;

const pods = () => node.node().pods;
const at = (...names: string[]) => path.join(node.directory, ...names);
const podsRoot = () => path.join(node.root, 'local-pods');

before(async () => {
  if (skip === false) node = await startTestNode('10.203.91.0/24', 'cribtesthv0');
});
after(() => node?.stop());
afterEach(async () => {
  if (podId !== '') await pods().removePod(podId);
  podId = '';
});

async function start(script: string, mounts: readonly MountConfig[]): Promise<string> {
  serial += 1;
  const config = { ...containerConfig(`c${serial}`, node.image), command: ['sh', '-c', script], mounts };
  const id = await pods().createContainer(podId, config, undefined);
  await pods().startContainer(id);
  return id;
}

test('nothing outside changes while a container swaps directories of its volume for links', { skip }, async () => {
  for (const name of ['volume/dir/sub', 'outside/dir/sub']) fs.mkdirSync(at(name), { recursive: true });
  fs.writeFileSync(at('outside/dir/sub/secret'), 'canary');
  fs.writeFileSync(at('outside/dir/sub/large'), Buffer.alloc(OUTSIDE_BYTES));
  const canary = treeSnapshot(at('outside'));
  podId = await pods().runPod(podConfig('hostile'), 'gvisor', NEVER);
  const outside = at('outside/dir');
  const swap = `cd /v; n=0; ln -s ${outside} left; ln -s ${outside}/sub/secret file
    while true; do mv dir dir$n 2>/dev/null; ln -s ${outside} dir; rm dir; mv dir$n dir || n=$((n+1)); touch swapping; done`;
  const id = await start(swap, [mountOf(at('volume'), '/v')]);
  await until(() => fs.existsSync(at('volume/swapping')), 'the container swaps');
  const { log, lines } = recordingLog();
  const share = new SharedDirectory(at('share'), { pod: podId, log });
  await share.open();
  const volume = openPath(at('volume'));
  try {
    for (let round = 0; round < 200 || (lines.length === 0 && round < 20_000); round += 1) {
      let part: number;
      try {
        part = openSubPath(volume, 'dir/sub', { pod: podId, log });
      } catch (error) {
        assert.ok(error instanceof CribError, String(error));
        continue;
      }
      const shown =
        round % 20 === 0 ? share.stage(`part${round}`, part, { readonly: false, propagation: 'private' }) : '';
      fs.closeSync(part);
      if (shown !== '') assert.equal(fs.existsSync(path.join(shown, 'secret')), false);
      const { bytes = 0 } = (await treeUsage(at('volume'), 10_000)) ?? {};
      assert.ok(bytes < OUTSIDE_BYTES, `what is outside was counted: ${bytes} bytes`);
    }
  } finally {
    fs.closeSync(volume);
    await share.close();
  }
  assert.ok(lines.length > 0, 'what was swapped is told');
  await removeTree(at('volume/dir')).catch((error: unknown) => assert.match(String(error), /ENOTEMPTY/));
  await pods().removeContainer(id);
  await removeTree(at('volume'));
  assert.equal(treeSnapshot(at('outside')), canary);
});

test('a verified volume is checked before a sentry has it', { skip }, async () => {
  const uid = 'uid-verified';
  const volume = await createConfigVolume(podsRoot(), uid, 'settings', { key: 'value' });
  const annotations = { 'roothash.verity.crib.dev/settings': referenceRootHash(volume) };
  podId = await pods().runPod({ ...podConfig('verified'), annotations }, 'gvisor', NEVER);
  const mounts = [mountOf(volume, '/settings', { readonly: true })];
  const id = await start('sleep 100000', mounts);
  const { stdout } = await pods().execSync(id, ['cat', '/settings/key'], 30_000, NEVER);
  assert.equal(stdout.toString(), 'value');
  const [decision] = pods()
    .containerStatus(id)
    .volumes.filter(({ containerPath }) => containerPath === '/settings');
  assert.deepEqual([decision?.route, decision?.verified], ['host-shared', referenceRootHash(volume)]);
  fs.chmodSync(path.join(volume, '..data', 'key'), 0o600);
  await assert.rejects(start('sleep 1', mounts), { code: 'DATA_LOSS', message: /verifying the volume "settings"/ });
  await pods().removePod(podId);
  podId = '';
  await removePodVolumes(podsRoot(), uid);
});
