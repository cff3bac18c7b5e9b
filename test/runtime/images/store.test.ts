import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../../runtime/images/manifest.js';
import type { PullProgress } from '../../../runtime/images/types.js';
import { imageToKill } from '../../support/images/killed-pull.js';
import { MemoryRegistry, makeImage } from '../../support/images/memory-registry.js';
import { openStore, temporaryDirectory } from '../../support/images/temporary-store.js';
import { directory, file, tar } from '../../support/tar-writer.js';

const raw = (name: string, content = name) => tar([file(name, content)]);
const made = (...names: string[]) =>
  makeImage(
    names.map((name) => ({ raw: raw(name) })),
    { Cmd: ['run', ...names], Env: ['A=b'] },
  );

test('a pulled image is listed, found by all its names, and is an OCI layout', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  const image = made('one', 'two');
  registry.add('latest', image);
  const store = await openStore(t, root, registry, { pinned: ['x'] });
  const seen: PullProgress[] = [];
  const record = await store.pull('x', { onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(record.tags, ['docker.io/library/x:latest']);
  assert.deepEqual(record.digests, [`docker.io/library/x@${image.digest}`]);
  assert.deepEqual(
    [record.id, record.pinned, record.run.cmd, record.chain.length],
    [image.id, true, ['run', 'one', 'two'], 2],
  );
  assert.equal(
    record.size,
    image.manifest.length + image.config.length + image.layers.reduce((sum, { size }) => sum + size, 0),
  );
  for (const name of [
    'x',
    'x:latest',
    'docker.io/library/x',
    `x@${image.digest}`,
    image.id,
    image.id.slice(7),
    image.id.slice(7, 15),
  ]) {
    assert.equal(store.find(name)?.id, image.id, name);
  }
  assert.equal(store.find('y'), undefined);
  assert.equal(seen.at(-1)?.phase, 'done');
  const index = JSON.parse(fs.readFileSync(path.join(root, 'images/index.json'), 'utf8'));
  assert.equal(index.manifests[0].annotations['org.opencontainers.image.ref.name'], 'docker.io/library/x:latest');
  for (const digest of [image.digest, image.id, ...image.layers.map((layer) => layer.digest)]) {
    assert.equal(sha256(fs.readFileSync(path.join(root, 'images/blobs/sha256', digest.slice(7)))), digest);
  }
  const usage = await store.usage();
  assert.ok(usage.usedBytes > 4 * 4096 && usage.inodesUsed >= 8);
});

test('a root directory without an entry takes after that of the layer below', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  const own = { mode: 0o1777, uid: 7, gid: 8, mtime: 1_600_000_000 };
  const layers = [tar([file('a', 'a')]), tar([directory('.', own), file('b', 'b')]), tar([file('c', 'c')])];
  const image = makeImage(layers.map((bytes) => ({ raw: bytes })));
  registry.add('latest', image);
  const store = await openStore(t, root, registry);
  const { chain } = await store.pull('x', {});
  const facts = store.layerPaths(chain).map((content) => {
    const { mode, uid, gid, mtimeMs } = fs.statSync(content);
    return [mode & 0o7777, uid, gid, mtimeMs];
  });
  assert.deepEqual(facts, [[0o755, 0, 0, 0], ...Array(2).fill([0o1777, 7, 8, 1_600_000_000_000])]);
});

test('the next start has what was pulled', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  registry.add('t', made('one'));
  const first = await openStore(t, root, registry);
  const record = await first.pull('x.io/x:t', {});
  await first.close();
  const second = await openStore(t, root, registry);
  assert.deepEqual(second.list(), [record]);
  assert.deepEqual(
    await second.usage().then((usage) => usage.inodesUsed),
    await first.usage().then((usage) => usage.inodesUsed),
  );
  await second.pull('x.io/x:t', {});
  assert.equal(registry.requests.length, 2);
});

/** images.json with `change` made to each image, and the boot of every layer replaced: as a start finds it after a reboot. */
function reboot(root: string, change: (image: Record<string, unknown>) => void): void {
  const list = path.join(root, 'images/images.json');
  const content = JSON.parse(fs.readFileSync(list, 'utf8'));
  content.images.forEach(change);
  fs.writeFileSync(list, JSON.stringify(content));
  for (const name of fs.readdirSync(path.join(root, 'layers'))) {
    const file = path.join(root, 'layers', name, 'layer.json');
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), bootId: 'an earlier one' }));
  }
}

test('an image that the disk did not have when the machine went down is pulled anew', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  const image = made('one', 'two');
  registry.add('latest', image);
  const first = await openStore(t, root, registry);
  const { chain } = await first.pull('x', {});
  await first.close();
  reboot(root, (entry) => assert.equal(entry.unwritten, undefined, 'the mark goes when the disk has it'));
  const second = await openStore(t, root, registry);
  assert.equal(second.find('x')?.id, image.id);
  await second.close();

  reboot(root, (entry) => Object.assign(entry, { unwritten: 'an earlier one 0' }));
  const third = await openStore(t, root, registry, { layersInUse: () => new Set(chain) });
  assert.deepEqual(third.list(), []);
  assert.deepEqual(fs.readdirSync(path.join(root, 'layers')), []);
  const record = await third.pull('x', {});
  assert.equal(fs.readFileSync(path.join(third.layerPaths(record.chain)[1] ?? '', 'two'), 'utf8'), 'two');
});

test('two stores do not share a root', async (t) => {
  const root = await temporaryDirectory(t);
  await openStore(t, root, new MemoryRegistry());
  await assert.rejects(openStore(t, root, new MemoryRegistry()), { code: 'FAILED_PRECONDITION' });
});

test('pulls of one reference at a time do the work once', async (t) => {
  const registry = new MemoryRegistry();
  const image = made('one', 'two', 'one');
  registry.add('t', image);
  registry.add('u', image);
  const store = await openStore(t, await temporaryDirectory(t), registry);
  const names = ['x.io/x:t', 'x.io/x:t', 'x.io/x:u'];
  const records = await Promise.all(names.map((name) => store.pull(name, {})));
  assert.equal(registry.manifestRequests, 2);
  const layers = new Set(image.layers.map((layer) => layer.digest));
  assert.equal(registry.requests.filter(({ digest }) => layers.has(digest)).length, 2);
  assert.deepEqual(store.find(records[0]?.id ?? '')?.tags, ['x.io/x:t', 'x.io/x:u']);
  assert.equal(new Set(store.layerPaths(records[0]?.chain ?? [])).size, 3);
});

test('a caller that goes away ends the work only when it was the last', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  let open = () => {};
  registry.gate = new Promise((resolve) => {
    open = resolve;
  });
  registry.add('t', made('one'));
  const store = await openStore(t, root, registry);
  const first = new AbortController();
  const leaving = assert.rejects(store.pull('x.io/x:t', { signal: first.signal }), { code: 'CANCELLED' });
  const staying = store.pull('x.io/x:t', {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  first.abort();
  await leaving;
  open();
  assert.equal((await staying).tags[0], 'x.io/x:t');

  registry.add('u', made('two'));
  registry.gate = new Promise(() => {});
  const last = new AbortController();
  const alone = assert.rejects(store.pull('x.io/x:u', { signal: last.signal }), { code: 'CANCELLED' });
  setTimeout(() => last.abort(), 50);
  await alone;
  registry.gate = Promise.resolve();
  assert.equal((await store.pull('x.io/x:u', {})).tags[0], 'x.io/x:u');
});

test('names come and go: a moved tag, several tags, removal by tag, digest and id', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  const old = made('base', 'old');
  const next = made('base', 'new');
  registry.add('t', old);
  registry.add('u', old);
  const inUse = new Set<string>();
  const store = await openStore(t, root, registry, { layersInUse: () => inUse });
  await store.pull('x.io/x:t', {});
  const first = await store.pull('x.io/x:u', {});
  registry.add('t', next);
  const second = await store.pull('x.io/x:t', {});
  assert.deepEqual(store.find(old.id)?.tags, ['x.io/x:u']);
  await store.pull('y.io/other:u', {});
  assert.deepEqual(store.find(old.id)?.tags, ['x.io/x:u', 'y.io/other:u']);
  await store.remove('x.io/x:u');
  assert.equal(store.find(old.id), undefined, 'a tag takes all tags along, in other repositories too');
  assert.equal(store.find('y.io/other:u'), undefined);
  assert.equal(store.find('x.io/x:t')?.id, next.id);
  assert.throws(() => store.layerPaths(first.chain), { code: 'NOT_FOUND' });
  assert.ok(store.layerPaths(second.chain).every((directory) => fs.existsSync(directory)));

  for (const name of [...second.digests, second.id, second.id.slice(7, 19)]) {
    await store.pull('x.io/x:t', {});
    await store.remove(name);
    assert.deepEqual(store.list(), [], name);
  }
  await store.pull('x.io/x:t', {});
  for (const chainId of second.chain) inUse.add(chainId);
  await store.remove(second.id);
  assert.ok(store.layerPaths(second.chain).every((directory) => fs.existsSync(directory)));
  inUse.clear();
  await store.remove('x.io/nothing:here');
  assert.deepEqual(fs.readdirSync(path.join(root, 'layers')), []);
  assert.deepEqual(fs.readdirSync(path.join(root, 'images/blobs/sha256')), []);
  assert.equal((await store.usage()).usedBytes, 0);
});

test('an image whose tag has moved stays by its digest', async (t) => {
  const registry = new MemoryRegistry();
  const old = made('old');
  registry.add('t', old);
  const store = await openStore(t, await temporaryDirectory(t), registry);
  await store.pull('x.io/x:t', {});
  registry.add('t', made('new'));
  await store.pull('x.io/x:t', {});
  assert.deepEqual(store.find(`x.io/x@${old.digest}`)?.tags, []);
  const byDigest = await store.pull(`x.io/x:t@${old.digest}`, {});
  assert.deepEqual([byDigest.id, byDigest.tags], [old.id, []]);
});

test('a prefix of several ids is not guessed at', async (t) => {
  const registry = new MemoryRegistry();
  const store = await openStore(t, await temporaryDirectory(t), registry);
  for (let i = 0; i < 17; i++) {
    registry.add(`t${i}`, makeImage([], { Cmd: [`${i}`] }));
    await store.pull(`x.io/x:t${i}`, {});
  }
  const first = store.list().map((image) => image.id[7] ?? '');
  const twice = first.find((digit, index) => first.indexOf(digit) !== index) ?? '';
  assert.throws(() => store.find(twice), { code: 'INVALID_ARGUMENT', message: /give more/ });
});

test('wrong digests are data loss and leave nothing behind', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  const image = made('one');
  registry.add('t', image);
  registry.blobs.set(image.layers[0]?.digest ?? '', Buffer.alloc(image.layers[0]?.size ?? 0, 1));
  registry.add('diff', makeImage([{ raw: raw('two') }], {}, [sha256('other')]));
  const store = await openStore(t, root, registry);
  await assert.rejects(store.pull('x.io/x:t', {}), { code: 'DATA_LOSS', message: /registry sent other bytes/ });
  registry.blobs.set(
    image.layers[0]?.digest ?? '',
    Buffer.concat([image.blobs.get(image.layers[0]?.digest ?? '') ?? Buffer.alloc(0), Buffer.alloc(1)]),
  );
  await assert.rejects(store.pull('x.io/x:t', {}), { code: 'DATA_LOSS', message: /registry sent other bytes/ });
  await assert.rejects(store.pull('x.io/x:diff', {}), { code: 'DATA_LOSS', message: /image configuration says/ });
  assert.deepEqual(fs.readdirSync(path.join(root, 'layers')), []);
  assert.deepEqual(store.list(), []);
});

test('what is not an image crib can run is refused by name', async (t) => {
  const registry = new MemoryRegistry();
  registry.add('odd', makeImage([{ raw: raw('x'), mediaType: 'application/x-odd' }]));
  registry.manifests.set('v1', {
    mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    body: Buffer.from('{}'),
  });
  registry.manifests.set('text', { mediaType: 'application/vnd.oci.image.manifest.v1+json', body: Buffer.from('no') });
  const store = await openStore(t, await temporaryDirectory(t), registry);
  await assert.rejects(store.pull('x.io/x:odd', {}), { code: 'UNIMPLEMENTED', message: /x-odd/ });
  await assert.rejects(store.pull('x.io/x:v1', {}), { code: 'UNIMPLEMENTED', message: /prettyjws/ });
  await assert.rejects(store.pull('x.io/x:text', {}), { code: 'INVALID_ARGUMENT', message: /JSON/ });
  await assert.rejects(store.pull('x.io/x:none', {}), { code: 'NOT_FOUND' });
  await assert.rejects(store.pull('X', {}), { code: 'INVALID_ARGUMENT' });
});

test('killed in the middle of a pull: no image at the next start, and the next pull takes up what is there', async (t) => {
  const root = await temporaryDirectory(t);
  const script = fileURLToPath(new URL('../../support/images/killed-pull.js', import.meta.url));
  const child = spawn(process.execPath, [script, root], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const partial = path.join(root, 'images/ingest', imageToKill().layers[2]?.digest.slice(7) ?? '');
  while (!fs.existsSync(partial) || fs.statSync(partial).size < 190_000)
    await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill('SIGKILL');
  await ended;

  const registry = new MemoryRegistry();
  const image = imageToKill();
  registry.add('t', image);
  const store = await openStore(t, root, registry);
  assert.deepEqual(store.list(), []);
  assert.equal(store.find('example.com/killed:t'), undefined);
  assert.deepEqual(
    fs.readdirSync(path.join(root, 'layers')).filter((name) => name.startsWith('tmp-')),
    [],
  );
  const record = await store.pull('example.com/killed:t', {});
  const layers = registry.requests.filter(({ digest }) => digest !== image.id);
  assert.deepEqual(
    layers.map(({ digest }) => digest),
    [image.layers[2]?.digest],
  );
  assert.ok((layers[0]?.offset ?? 0) >= 190_000);
  assert.equal(fs.readdirSync(store.layerPaths(record.chain)[2] ?? '')[0], 'file2');
});

test('a partial blob or a whole one that was damaged is fetched anew', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  const image = made('one', 'two');
  registry.add('t', image);
  const [one = '', two = ''] = image.layers.map((layer) => layer.digest.slice(7));
  fs.mkdirSync(path.join(root, 'images/ingest'), { recursive: true });
  fs.mkdirSync(path.join(root, 'images/blobs/sha256'), { recursive: true });
  fs.writeFileSync(path.join(root, 'images/ingest', one), Buffer.alloc(50, 7));
  fs.writeFileSync(path.join(root, 'images/blobs/sha256', two), Buffer.alloc(50, 7));
  const store = await openStore(t, root, registry);
  const record = await store.pull('x.io/x:t', {});
  assert.equal(fs.readFileSync(path.join(store.layerPaths(record.chain)[1] ?? '', 'two'), 'utf8'), 'two');
});

test('a damaged catalogue and foreign files are set aside and said, not guessed at', async (t) => {
  const root = await temporaryDirectory(t);
  fs.mkdirSync(path.join(root, 'images'), { recursive: true });
  fs.mkdirSync(path.join(root, 'layers/0123456789abcdef'), { recursive: true });
  fs.mkdirSync(path.join(root, 'layers/tmp-1/fs'), { recursive: true });
  fs.writeFileSync(path.join(root, 'images/images.json'), '{"version":1,"ima');
  const warnings: string[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (_: object, message: string) => warnings.push(message),
  };
  const store = await openStore(t, root, new MemoryRegistry(), { log });
  assert.deepEqual(store.list(), []);
  assert.equal(warnings.length, 2);
  assert.ok(fs.readdirSync(path.join(root, 'layers')).every((name) => name.startsWith('broken-')));
});

test('of a save that was cut off nothing is left after the next start', async (t) => {
  const root = await temporaryDirectory(t);
  fs.mkdirSync(path.join(root, 'images'));
  for (const name of ['images.json.tmp', 'index.json.tmp']) fs.writeFileSync(path.join(root, 'images', name), '{"ver');
  await openStore(t, root, new MemoryRegistry());
  const names = fs.readdirSync(path.join(root, 'images'));
  assert.deepEqual(
    names.filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('an image that lost a layer is no image until it is pulled again', async (t) => {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  registry.add('t', made('one'));
  const first = await openStore(t, root, registry);
  const record = await first.pull('x.io/x:t', {});
  await first.close();
  fs.rmSync(path.dirname(first.layerPaths(record.chain)[0] ?? ''), { recursive: true });
  const second = await openStore(t, root, registry);
  assert.deepEqual(second.list(), []);
  await second.pull('x.io/x:t', {});
  assert.ok(fs.existsSync(second.layerPaths(record.chain)[0] ?? ''));
});
