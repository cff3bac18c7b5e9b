import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlobStore } from '../../../runtime/images/blobs.js';
import { sha256 } from '../../../runtime/images/manifest.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';

const BODY = Buffer.from('a small blob');
const DIGEST = sha256(BODY);
const OTHER = sha256('other');
const HOUR = 3600;

async function opened(t: TestContext, referenced: readonly string[] = []): Promise<{ root: string; blobs: BlobStore }> {
  const root = await temporaryDirectory(t);
  const blobs = new BlobStore(root);
  await blobs.open(new Set(referenced));
  return { root, blobs };
}

const names = (root: string, directory: string): string[] => fs.readdirSync(path.join(root, directory)).sort();
const age = (file: string, hours: number): void => {
  const then = Date.now() / 1000 - hours * HOUR;
  fs.utimesSync(file, then, then);
};

test('a blob has its name only with the right bytes, and nothing of a wrong one stays', async (t) => {
  const { root, blobs } = await opened(t);
  await assert.rejects(blobs.put(DIGEST, Buffer.from('a small blo8')), { code: 'DATA_LOSS' });
  assert.equal(blobs.has(DIGEST), false);
  assert.deepEqual([names(root, 'blobs/sha256'), names(root, 'ingest')], [[], []]);
  await Promise.all([blobs.put(DIGEST, BODY), blobs.put(DIGEST, BODY)]);
  assert.deepEqual(await blobs.read(DIGEST), BODY);
  assert.deepEqual([names(root, 'blobs/sha256'), names(root, 'ingest')], [[DIGEST.slice(7)], []]);
});

test('a blob that was damaged or taken away is no blob any more', async (t) => {
  const { blobs } = await opened(t);
  await blobs.put(DIGEST, BODY);
  fs.writeFileSync(blobs.pathOf(DIGEST), 'a small bloB');
  assert.equal(await blobs.read(DIGEST), undefined);
  assert.deepEqual([blobs.has(DIGEST), fs.existsSync(blobs.pathOf(DIGEST))], [false, false]);
  await blobs.put(DIGEST, BODY);
  fs.rmSync(blobs.pathOf(DIGEST));
  assert.equal(await blobs.read(DIGEST), undefined);
  assert.equal(blobs.has(DIGEST), false);
});

test('what grew in ingest is whole when it is published', async (t) => {
  const { root, blobs } = await opened(t);
  fs.writeFileSync(blobs.ingestPathOf(DIGEST), BODY);
  assert.equal(blobs.has(DIGEST), false);
  await blobs.publish(DIGEST, BODY.length);
  assert.deepEqual(await blobs.read(DIGEST), BODY);
  assert.deepEqual(names(root, 'ingest'), []);
  fs.writeFileSync(blobs.ingestPathOf(OTHER), 'unfinished');
  await blobs.drop(OTHER);
  assert.deepEqual(names(root, 'ingest'), []);
});

test('a start keeps what an image has, what is fresh, and what is not crib’s', async (t) => {
  const { root, blobs } = await opened(t);
  for (const [body, hours] of [
    ['in an image', 100],
    ['nobody’s, fresh', 23],
    ['nobody’s, old', 25],
  ] as const) {
    await blobs.put(sha256(body), Buffer.from(body));
    age(blobs.pathOf(sha256(body)), hours);
  }
  fs.writeFileSync(path.join(root, 'blobs/sha256/README'), 'mine');
  age(path.join(root, 'blobs/sha256/README'), 100);
  const again = new BlobStore(root);
  await again.open(new Set([sha256('in an image')]));
  assert.deepEqual(
    ['in an image', 'nobody’s, fresh', 'nobody’s, old'].map((body) => again.has(sha256(body))),
    [true, true, false],
  );
  assert.equal(fs.existsSync(blobs.pathOf(sha256('nobody’s, old'))), false);
  assert.ok(fs.existsSync(path.join(root, 'blobs/sha256/README')));
});

test('of unfinished blobs a start keeps the newest, so many bytes, for a day; all else in ingest goes', async (t) => {
  const { root, blobs } = await opened(t);
  const sparse = (name: string, bytes: number, hours: number): void => {
    const file = path.join(root, 'ingest', name);
    fs.writeFileSync(file, '');
    fs.truncateSync(file, bytes);
    age(file, hours);
  };
  const hex = (digit: string): string => digit.repeat(64);
  sparse(hex('a'), 3 * 2 ** 30, 1);
  sparse(hex('b'), 2 ** 30, 2);
  sparse(hex('c'), 1, 3);
  sparse(hex('d'), 1, 25);
  sparse(`${hex('e')}.small-1-x`, 1, 4);
  fs.mkdirSync(path.join(root, 'ingest/odd/below'), { recursive: true });
  await blobs.open(new Set());
  assert.deepEqual(names(root, 'ingest'), [hex('a'), hex('b')]);
});

test('a sweep takes what nobody keeps, and the total is that of whole blocks', async (t) => {
  const { root, blobs } = await opened(t);
  await blobs.put(DIGEST, BODY);
  const large = Buffer.alloc(4097);
  await blobs.put(sha256(large), large);
  assert.deepEqual(blobs.totals, { bytes: 3 * 4096, count: 2 });
  blobs.sweep((digest) => digest === DIGEST);
  assert.deepEqual(blobs.totals, { bytes: 4096, count: 1 });
  assert.deepEqual(names(root, 'blobs/sha256'), [DIGEST.slice(7)]);
});

test('a disk that refuses leaves no half of a blob', async (t) => {
  const { root, blobs } = await opened(t);
  fs.rmdirSync(path.join(root, 'blobs/sha256'));
  await assert.rejects(blobs.put(DIGEST, BODY), { code: 'ENOENT' });
  assert.equal(blobs.has(DIGEST), false);
  assert.deepEqual(names(root, 'ingest'), []);
});
