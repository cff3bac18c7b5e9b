import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createRegistryClient } from '../../../runtime/images/registry/client.js';
import { openStore, temporaryDirectory } from '../../support/images/temporary-store.js';
import { type Blob, type BuiltImage, buildImage, buildIndex, hostArchitecture, sha256 } from '../../support/images.js';
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
  await pushImage(address, 'far', ['v1'], buildIndex([image]));
  await assert.rejects(store.pull(`${address}/far:v1`, {}), { code: 'NOT_FOUND', message: /s390x/ });
  await pushImage(address, 'far', ['v2'], odd(INDEX, { manifests: [image.manifest] }, [image]));
  await assert.rejects(store.pull(`${address}/far:v2`, {}), { code: 'NOT_FOUND', message: /s390x/ });
});

const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A manifest or an index with what only some tools write; lists of blobs become descriptors. */
function odd(mediaType: string, value: Record<string, unknown>, children: readonly BuiltImage[] = []): BuiltImage {
  const plain = (_: string, entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('bytes' in entry)) return entry;
    const { bytes, ...rest } = entry as Blob & Record<string, unknown>;
    return { ...rest, size: bytes.length };
  };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...value }, plain));
  const manifest = { mediaType, digest: sha256(bytes), bytes };
  return { manifest, blobs: [], children, architecture: '', configDigest: '' };
}

test('from a real registry: indexes in an index, attestations, no mediaType anywhere but in the header', async (t) => {
  const { address, store } = await setUp(t);
  const image = await buildImage({ layers: [[{ path: 'f', content: 'x' }]] });
  const other = await buildImage({ layers: [], architecture: 's390x' });
  const attestation = odd('application/vnd.oci.image.manifest.v1+json', {
    config: image.blobs[0],
    layers: [{ ...image.blobs[1], mediaType: 'application/vnd.in-toto+json' }],
  });
  const unknown = { os: 'unknown', architecture: 'unknown' };
  const linux = { os: 'linux', architecture: hostArchitecture() };
  const inner = odd(
    INDEX,
    {
      manifests: [
        { ...attestation.manifest, platform: unknown },
        { ...other.manifest, platform: { os: 'linux', architecture: 's390x' } },
        { ...image.manifest, platform: linux },
      ],
    },
    [{ ...attestation, blobs: image.blobs }, other, image],
  );
  const outer = odd(INDEX, { manifests: [{ ...attestation.manifest, platform: unknown }, inner.manifest] }, [inner]);
  const digest = await pushImage(address, 'nested', ['v1'], outer);
  const record = await store.pull(`${address}/nested:v1`, {});
  assert.deepEqual([record.id, record.digests], [image.configDigest, [`${address}/nested@${digest}`]]);
});

test('from a real registry: empty and equal layers, null for lists that are empty, another architecture', async (t) => {
  const { address, store } = await setUp(t);
  const layers = [[], [{ path: 'f', content: 'x' }], [], [{ path: 'f', content: 'x' }]];
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    await pushImage(address, 'equal', [compression], await buildImage({ layers, compression, architecture: 's390x' }));
    const { chain } = await store.pull(`${address}/equal:${compression}`, {});
    assert.deepEqual(
      store.layerPaths(chain).map((directory) => fs.readdirSync(directory)),
      [[], ['f'], [], ['f']],
    );
  }
  const bytes = Buffer.from('{"os":"","architecture":"","config":null,"rootfs":{"type":"layers","diff_ids":null}}');
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(bytes), bytes };
  const scratch = odd('application/vnd.oci.image.manifest.v1+json', { mediaType: '', config, layers: [] });
  await pushImage(address, 'scratch', ['v1'], { ...scratch, blobs: [config] });
  const record = await store.pull(`${address}/scratch:v1`, {});
  assert.deepEqual([record.id, record.chain, record.run.cmd], [config.digest, [], []]);
});
