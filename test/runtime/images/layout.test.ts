import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogImage } from '../../../runtime/images/catalog.js';
import { indexOf, OCI_LAYOUT } from '../../../runtime/images/layout.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const manifest = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: DIGEST,
  size: 7,
  platform: { os: 'linux', architecture: 'arm64' },
  annotations: { 'org.opencontainers.image.ref.name': 'of the registry’s index' },
};

function image(tags: readonly string[]): CatalogImage {
  const run = { user: '', env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };
  const known = { id: DIGEST, manifest, layers: [], chain: [], size: 1, run, annotations: {} };
  return { ...known, tags, digests: [`x.io/app@${DIGEST}`] };
}

interface Index {
  readonly manifests: readonly { readonly annotations: Readonly<Record<string, string>> }[];
}

const REF = 'org.opencontainers.image.ref.name';

test('an image is there once for each of its tags, by its digest where it has none', () => {
  const { manifests }: Index = JSON.parse(indexOf([image(['x.io/app:v1', 'x.io/app:v2']), image([])]));
  assert.deepEqual(
    manifests.map(({ annotations }) => annotations[REF]),
    ['x.io/app:v1', 'x.io/app:v2', `x.io/app@${DIGEST}`],
  );
});

test('a descriptor has what tools choose by, and no annotation of another index', () => {
  const { manifests }: Index = JSON.parse(indexOf([image(['x.io/app:v1'])]));
  const { mediaType, digest, size, platform } = manifest;
  const annotations = { [REF]: 'x.io/app:v1', 'io.containerd.image.name': 'x.io/app:v1' };
  assert.deepEqual(manifests, [{ mediaType, digest, size, platform, annotations }]);
});

test('a layout without images is one all the same', () => {
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] };
  assert.deepEqual(JSON.parse(indexOf([])), index);
  assert.deepEqual(JSON.parse(OCI_LAYOUT), { imageLayoutVersion: '1.0.0' });
});
