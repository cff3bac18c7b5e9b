import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainIdsOf,
  diffIdsOf,
  parseIndex,
  parseManifest,
  parseObject,
  sha256,
} from '../../../runtime/images/manifest.js';

const OCI = 'application/vnd.oci.image';
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const body = (value: unknown) => Buffer.from(JSON.stringify(value));
const config = { mediaType: `${OCI}.config.v1+json`, digest: digest('c'), size: 100 };
const layer = { mediaType: `${OCI}.layer.v1.tar+gzip`, digest: digest('a'), size: 5 };
const manifest = (change: object = {}) => body({ schemaVersion: 2, config, layers: [layer], ...change });
const TYPE = `${OCI}.manifest.v1+json`;

test('a manifest is read by its type, as the registry says it or as it says itself', () => {
  const parsed = parseManifest(`${TYPE}; charset=utf-8`, manifest({ annotations: { a: 'b', n: 1 } }));
  assert.deepEqual(
    [parsed.config.digest, parsed.layers.map(({ size }) => size), parsed.annotations],
    [digest('c'), [5], { a: 'b' }],
  );
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  assert.equal(parseManifest('application/octet-stream', manifest({ mediaType: docker })).layers.length, 1);
  assert.equal(
    parseManifest(TYPE, manifest({ mediaType: 'something/else', layers: [] })).layers.length,
    0,
    'the header counts',
  );
});

test('what is malformed is refused before anything of it is believed', () => {
  const entry = (change: object) => ({ layers: [{ ...layer, ...change }] });
  for (const [change, code, message] of [
    [{ config: undefined }, 'INVALID_ARGUMENT', /a descriptor is missing/],
    [{ layers: { length: 1 } }, 'INVALID_ARGUMENT', /layers are no list/],
    [{ layers: Array.from({ length: 501 }, () => layer) }, 'INVALID_ARGUMENT', /more than 500 layers/],
    [entry({ digest: 'sha256:../../etc/passwd' }), 'INVALID_ARGUMENT', /no sha256 digest/],
    [entry({ digest: `${digest('a')}\n` }), 'INVALID_ARGUMENT', /no sha256 digest/],
    [entry({ digest: digest('A') }), 'INVALID_ARGUMENT', /no sha256 digest/],
    [entry({ digest: `sha512:${'a'.repeat(128)}` }), 'INVALID_ARGUMENT', /no sha256 digest/],
    [entry({ size: -1 }), 'INVALID_ARGUMENT', /is not a size/],
    [entry({ size: 2 ** 60 }), 'INVALID_ARGUMENT', /is not a size/],
    [entry({ size: '5' }), 'INVALID_ARGUMENT', /is not a size/],
    [entry({ mediaType: 5 }), 'INVALID_ARGUMENT', /no media type/],
    [{ config: { ...config, size: (4 << 20) + 1 } }, 'INVALID_ARGUMENT', /over the limit/],
    [{ config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } }, 'UNIMPLEMENTED', /an artifact/],
    [entry({ mediaType: `${OCI}.layer.v1.tar+gzip+encrypted` }), 'UNIMPLEMENTED', /this type is not supported/],
    [entry({ mediaType: `${OCI}.layer.v1.tar+zip` }), 'UNIMPLEMENTED', /this type is not supported/],
  ] as const) {
    assert.throws(() => parseManifest(TYPE, manifest(change)), { code, message });
  }
  const old = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  assert.throws(() => parseManifest(old, manifest()), {
    code: 'UNIMPLEMENTED',
    message: /of type "application\/vnd\.docker.*v1/,
  });
  for (const text of ['', '[]', 'null', '{"a"']) {
    assert.throws(() => parseObject(Buffer.from(text), 'the thing'), {
      code: 'INVALID_ARGUMENT',
      message: /^read the thing: /,
    });
  }
});

test('every type of layer that containerd unpacks is one, also those that were not to be distributed', () => {
  const docker = 'application/vnd.docker.image.rootfs';
  for (const mediaType of [
    ...['', '+gzip', '+zstd'].flatMap((end) => [
      `${OCI}.layer.v1.tar${end}`,
      `${OCI}.layer.nondistributable.v1.tar${end}`,
    ]),
    ...['', '.gzip', '.zstd'].flatMap((end) => [`${docker}.diff.tar${end}`, `${docker}.foreign.diff.tar${end}`]),
  ]) {
    assert.equal(parseManifest(TYPE, manifest({ layers: [{ ...layer, mediaType }] })).layers.length, 1, mediaType);
  }
});

test('an image of no layers has an empty list of them, null, or none', () => {
  for (const layers of [[], null, undefined]) {
    assert.deepEqual(parseManifest(TYPE, manifest({ layers })).layers, []);
    assert.deepEqual(diffIdsOf({ rootfs: { type: 'layers', diff_ids: layers } }, 0), []);
  }
  assert.deepEqual(diffIdsOf({}, 0), []);
  const old = { ...config, mediaType: 'application/octet-stream' };
  assert.equal(parseManifest(TYPE, manifest({ config: old })).config.digest, digest('c'), 'as Docker once wrote it');
});

test('an index names manifests and their platforms; another type is none', () => {
  const type = `${OCI}.index.v1+json`;
  const entry = { mediaType: TYPE, digest: digest('b'), size: 7 };
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': 'x' };
  const found = parseIndex(
    type,
    body({
      manifests: [
        { ...entry, platform },
        { ...entry, platform: { os: 'linux' } },
      ],
    }),
  );
  assert.deepEqual(
    found?.map((one) => one.platform),
    [{ os: 'linux', architecture: 'arm', variant: 'v7' }, undefined],
  );
  const other = { ...entry, digest: `sha512:${'b'.repeat(128)}` };
  assert.equal(parseIndex(type, body({ manifests: [other, null, entry] }))?.length, 1);
  assert.throws(() => parseIndex(type, body({ manifests: [other] })), { message: /no sha256 digest/ });
  assert.equal(parseIndex(TYPE, manifest()), undefined);
  assert.throws(() => parseIndex(type, body({})), { code: 'INVALID_ARGUMENT', message: /has no manifests/ });
});

test('layers are named by what lies below them, and there are as many as the manifest has', () => {
  const ids = [digest('1'), digest('2'), digest('3')];
  const chain = chainIdsOf(ids);
  assert.equal(chain[0], ids[0]);
  assert.equal(chain[1], sha256(`${ids[0]} ${ids[1]}`));
  assert.equal(chain[2], sha256(`${chain[1]} ${ids[2]}`));
  assert.deepEqual(chainIdsOf([]), []);
  assert.deepEqual(diffIdsOf({ rootfs: { diff_ids: ids } }, 3), ids);
  for (const [value, count] of [
    [{ rootfs: { diff_ids: ids } }, 2],
    [{ rootfs: { diff_ids: ['sha256:x'] } }, 1],
    [{ rootfs: { diff_ids: [null] } }, 1],
  ] as const) {
    assert.throws(() => diffIdsOf(value, count), { code: 'INVALID_ARGUMENT' });
  }
});
