import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createRegistryClient } from '../../../runtime/images/registry/client.js';
import { openStore, temporaryDirectory } from '../../support/images/temporary-store.js';
import { buildImage, buildIndex } from '../../support/images.js';
import { pushImage } from '../../support/images-push.js';
import { startRegistry } from '../../support/registry.js';

/** A real registry on loopback and a store that pulls from it. */
async function setUp(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const root = await temporaryDirectory(t);
  const client = createRegistryClient({ certsDir: path.join(root, 'certs.d'), dockerConfigPaths: [], env: {} });
  return { address: registry.address, root, store: await openStore(t, path.join(root, 'root'), client) };
}

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

for (const format of ['oci', 'docker'] as const) {
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    test(`from a real registry: ${format}, ${compression}, through an index`, async (t) => {
      const { address, store } = await setUp(t);
      const layers = [
        [
          { path: 'bin', type: 'dir' as const },
          { path: 'bin/ping', content: 'p', mode: 0o4755, uid: 4, xattrs: { 'security.capability': CAPABILITY } },
        ],
        [
          { path: 'bin/big', content: Buffer.alloc(3_000_000, 'abcdefg') },
          { path: 'p', type: 'hardlink' as const, target: 'bin/ping' },
        ],
      ];
      const image = await buildImage({ layers, format, compression, config: { Cmd: ['/bin/ping'], User: '4' } });
      const other = await buildImage({ layers: [], format, architecture: 's390x' });
      const index = buildIndex([other, image], format);
      const digest = await pushImage(address, 'some/image', ['v1'], index);
      const record = await store.pull(`${address}/some/image:v1`, {});
      assert.deepEqual(
        [record.id, record.tags, record.digests],
        [image.configDigest, [`${address}/some/image:v1`], [`${address}/some/image@${digest}`]],
      );
      assert.deepEqual([record.run.cmd, record.run.user], [['/bin/ping'], '4']);
      const [, upper = ''] = store.layerPaths(record.chain);
      assert.equal(fs.statSync(path.join(upper, 'bin/big')).size, 3_000_000);
      assert.equal(fs.statSync(path.join(upper, 'p')).mode & 0o7777, 0o4755);
      assert.equal(store.find(`${address}/some/image@${digest}`)?.id, image.configDigest);
    });
  }
}

test('from a real registry: what is not there is NOT_FOUND', async (t) => {
  const { address, store } = await setUp(t);
  await assert.rejects(store.pull(`${address}/nothing:here`, {}), { code: 'NOT_FOUND' });
  const image = await buildImage({ layers: [], architecture: 's390x' });
  await pushImage(address, 'far', ['v1'], image);
  await assert.rejects(store.pull(`${address}/far:v1`, {}), { code: 'NOT_FOUND', message: /s390x/ });
});
