/** One layer through a real unpacker: where its bytes come from, and what is left when they are wrong. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlobStore } from '../../../runtime/images/blobs.js';
import { type LayerPull, pullLayer } from '../../../runtime/images/layer-pull.js';
import { LayerStore } from '../../../runtime/images/layers.js';
import { sha256 } from '../../../runtime/images/manifest.js';
import { parseReference } from '../../../runtime/images/reference.js';
import { UnpackerPool } from '../../../runtime/images/unpacker-pool.js';
import { UNPACKER_SCRIPT } from '../../../runtime/images/unpacker-process.js';
import { MemoryRegistry } from '../../support/images/memory-registry.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';
import { recordingLog } from '../../support/log.js';
import { file, tar } from '../../support/tar-writer.js';

/** Uncompressed, so that it is longer than a piece of the registry's. */
const CONTENT = randomBytes(150_000);
const RAW = tar([file('f', CONTENT)]);
const DIGEST = sha256(RAW);

async function room(t: TestContext, change: Partial<LayerPull> = {}) {
  const root = await temporaryDirectory(t);
  const blobs = new BlobStore(path.join(root, 'images'));
  const layers = new LayerStore(path.join(root, 'layers'), recordingLog().log);
  await blobs.open(new Set());
  await layers.open(new Set(), 'boot');
  const registry = new MemoryRegistry();
  registry.blobs.set(DIGEST, RAW);
  const progress: number[] = [];
  const unpackers = new UnpackerPool(UNPACKER_SCRIPT);
  t.after(() => unpackers.close());
  const pull: LayerPull = {
    blobs,
    layers,
    session: registry.session(parseReference('x.io/app')),
    descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: DIGEST, size: RAW.length },
    diffId: DIGEST,
    index: 0,
    limits: { maxLayerBytes: 1e9, maxLayerEntries: 1000, maxRatio: 100 },
    unpackers,
    signal: new AbortController().signal,
    onBytes: (bytes) => progress.push(bytes),
    ...change,
  };
  const unpacked = (): string[] => fs.readdirSync(path.join(root, 'layers'));
  return { root, blobs, layers, registry, progress, pull, unpacked };
}

/** The layer is whole on disk, and so is its blob. */
function assertWhole({ blobs, layers }: { blobs: BlobStore; layers: LayerStore }, prepared: string): void {
  assert.ok(fs.readFileSync(path.join(layers.preparedContentOf(prepared), 'f')).equals(CONTENT));
  assert.ok(blobs.has(DIGEST) && fs.readFileSync(blobs.pathOf(DIGEST)).equals(RAW));
  assert.equal(fs.existsSync(blobs.ingestPathOf(DIGEST)), false);
}

test('it goes to the blob store and to the unpacker at once, and progress only grows', async (t) => {
  const made = await room(t);
  const { prepared, report } = await pullLayer(made.pull);
  assertWhole(made, prepared);
  assert.equal(report.diffId, DIGEST);
  assert.deepEqual(
    made.progress,
    [...made.progress].sort((a, b) => a - b),
  );
  assert.equal(made.progress.at(-1), RAW.length);
  const again = await pullLayer(made.pull);
  assertWhole(made, again.prepared);
  assert.equal(made.registry.requests.length, 1, 'the blob is here');
});

test('what an earlier pull left is taken up, whatever of it is left', async (t) => {
  for (const length of [1, 100_000, RAW.length]) {
    const made = await room(t);
    fs.writeFileSync(made.blobs.ingestPathOf(DIGEST), RAW.subarray(0, length));
    assertWhole(made, (await pullLayer(made.pull)).prepared);
    const offsets = made.registry.requests.map(({ offset }) => offset);
    assert.deepEqual(offsets, length === RAW.length ? [] : [length]);
  }
});

test('what was left wrong, too long, or damaged is fetched anew, once', async (t) => {
  for (const [left, offsets] of [
    [Buffer.alloc(100_000, 1), [100_000, 0]],
    [Buffer.alloc(RAW.length, 1), [0]],
    [Buffer.concat([RAW, RAW]), [0]],
  ] as const) {
    const made = await room(t);
    fs.writeFileSync(made.blobs.ingestPathOf(DIGEST), left);
    assertWhole(made, (await pullLayer(made.pull)).prepared);
    assert.deepEqual(
      made.registry.requests.map(({ offset }) => offset),
      offsets,
    );
    assert.equal(made.unpacked().length, 1, 'the first attempt’s directory has gone');
  }
});

test('a blob that was damaged or taken away meanwhile is fetched anew', async (t) => {
  for (const harm of [
    (file: string) => fs.writeFileSync(file, Buffer.alloc(RAW.length, 1)),
    (file: string) => fs.truncateSync(file, 5),
    (file: string) => fs.appendFileSync(file, 'more'),
    (file: string) => fs.rmSync(file),
  ]) {
    const made = await room(t);
    await made.blobs.put(DIGEST, RAW);
    harm(made.blobs.pathOf(DIGEST));
    assertWhole(made, (await pullLayer(made.pull)).prepared);
    assert.equal(made.registry.requests.length, 1);
  }
});

test('a manifest that lies about a size costs no other image its blob', async (t) => {
  for (const size of [RAW.length - 1, RAW.length + 1]) {
    const made = await room(t);
    await made.blobs.put(DIGEST, RAW);
    const descriptor = { ...made.pull.descriptor, size };
    const lie = pullLayer({ ...made.pull, descriptor });
    await assert.rejects(lie, {
      code: 'DATA_LOSS',
      message: new RegExp(`${RAW.length} bytes, the manifest says ${size}`),
    });
    assert.ok(made.blobs.has(DIGEST));
    assert.deepEqual(made.unpacked(), []);
  }
});

test('other bytes than the digest’s are refused, and neither blob nor layer nor a beginning is left', async (t) => {
  for (const bytes of [Buffer.alloc(RAW.length, 1), RAW.subarray(0, -1), Buffer.concat([RAW, Buffer.alloc(1)])]) {
    const made = await room(t);
    made.registry.blobs.set(DIGEST, bytes);
    await assert.rejects(pullLayer(made.pull), { code: 'DATA_LOSS', message: /other bytes than this digest has/ });
    assert.equal(made.registry.requests.length, 1, 'fresh bytes are not asked for again');
    assert.deepEqual([made.blobs.has(DIGEST), fs.existsSync(made.blobs.ingestPathOf(DIGEST))], [false, false]);
    assert.deepEqual(made.unpacked(), []);
  }
});

test('a layer that the unpacker refuses is told as that when its digest was right', async (t) => {
  const made = await room(t, { limits: { maxLayerBytes: 100_000, maxLayerEntries: 1000, maxRatio: 100 } });
  await assert.rejects(pullLayer(made.pull), { code: 'RESOURCE_EXHAUSTED' });
  assert.ok(made.blobs.has(DIGEST));
  assert.deepEqual(made.unpacked(), []);
  const other = await room(t, { diffId: sha256('other') });
  await assert.rejects(pullLayer(other.pull), { code: 'DATA_LOSS', message: /the image configuration says/ });
  assert.deepEqual(other.unpacked(), []);
});

test('who goes away leaves what has come to the next pull', async (t) => {
  const abort = new AbortController();
  const made = await room(t, { signal: abort.signal });
  made.registry.stalls.set(DIGEST, 100_000);
  made.registry.onStall = () => void setImmediate(() => abort.abort());
  await assert.rejects(pullLayer(made.pull), { code: 'CANCELLED' });
  assert.deepEqual(made.unpacked(), []);
  const left = fs.statSync(made.blobs.ingestPathOf(DIGEST)).size;
  assert.ok(left >= 131_072, `${left} bytes`);
  made.registry.stalls.clear();
  assertWhole(made, (await pullLayer({ ...made.pull, signal: new AbortController().signal })).prepared);
  assert.ok(made.registry.requests.slice(1).every(({ offset }) => offset === left));
  await assert.rejects(pullLayer({ ...made.pull, signal: AbortSignal.abort() }), { code: 'CANCELLED' });
});
