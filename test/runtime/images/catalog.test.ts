import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Catalog, type CatalogImage, nameOf, withImage, withoutMarks } from '../../../runtime/images/catalog.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';
import { recordingLog } from '../../support/log.js';

const HEX = (digit: string): string => `sha256:${digit.repeat(64)}`;
const RUN = { user: '', env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };

function image(digit: string, tags: readonly string[] = [], more: Partial<CatalogImage> = {}): CatalogImage {
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: HEX(digit), size: 1 };
  const known = { manifest, layers: [], chain: [], size: 1, run: RUN, annotations: {} };
  return { id: HEX(digit), tags, digests: [`x.io/app@${HEX(digit)}`], ...known, ...more };
}

const tagsOf = (images: readonly CatalogImage[]): Record<string, readonly string[]> =>
  Object.fromEntries(images.map(({ id, tags }) => [id[7], tags]));

test('what is saved is in force at once and at the next start, and before that nothing is', async (t) => {
  const file = path.join(await temporaryDirectory(t), 'images.json');
  const { log, lines } = recordingLog();
  const catalog = new Catalog(file, log);
  await catalog.load();
  assert.deepEqual(catalog.images, []);
  const saving = catalog.save([image('a', ['x.io/app:v1'])]);
  assert.equal(catalog.get(HEX('a')), undefined, 'the disk does not have it yet');
  await saving;
  assert.equal(catalog.get(HEX('a'))?.tags[0], 'x.io/app:v1');
  const next = new Catalog(file, log);
  await next.load();
  assert.deepEqual(next.images, catalog.images);
  assert.deepEqual(lines, []);
});

test('a save that fails changes nothing', async (t) => {
  const directory = path.join(await temporaryDirectory(t), 'images');
  fs.mkdirSync(directory);
  const catalog = new Catalog(path.join(directory, 'images.json'), recordingLog().log);
  await catalog.save([image('a')]);
  fs.rmSync(directory, { recursive: true });
  await assert.rejects(catalog.save([image('b')]));
  assert.deepEqual(
    catalog.images.map(({ id }) => id),
    [HEX('a')],
  );
});

test('a file that is not crib’s is set aside as it is, and said', async (t) => {
  const root = await temporaryDirectory(t);
  const whole = image('a');
  const { run: _, ...withoutRun } = whole;
  const contents = [
    '',
    '{"version":1,"images":[',
    'null',
    JSON.stringify({ version: 2, images: [whole] }),
    JSON.stringify({ version: 1, images: [withoutRun] }),
    JSON.stringify({ version: 1, images: [{ ...whole, chain: 'x' }] }),
    JSON.stringify({ version: 1, images: [whole, null] }),
  ];
  for (const [index, content] of contents.entries()) {
    const file = path.join(root, String(index), 'images.json');
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, content);
    const { log, lines } = recordingLog();
    const catalog = new Catalog(file, log);
    await catalog.load();
    assert.deepEqual(catalog.images, [], content);
    const [aside = ''] = fs.readdirSync(path.dirname(file));
    assert.match(aside, /^images\.json\.broken-[0-9]+$/);
    assert.equal(fs.readFileSync(path.join(path.dirname(file), aside), 'utf8'), content);
    assert.equal(lines[0]?.level, 'warn');
  }
});

test('a name is found before an id that begins like it, and a prefix of several ids is not guessed at', async (t) => {
  const catalog = new Catalog(path.join(await temporaryDirectory(t), 'images.json'), recordingLog().log);
  const ab = image('a', ['docker.io/library/abc:latest'], { id: `sha256:ab${'0'.repeat(62)}` });
  const ac = image('b', [], { id: `sha256:ac${'1'.repeat(62)}` });
  const abc = image('c', [], { id: `sha256:abc${'2'.repeat(61)}` });
  await catalog.save([abc, ab, ac]);
  assert.equal(catalog.find('abc')?.id, ab.id, 'the image that is called so');
  assert.equal(catalog.find('sha256:abc')?.id, abc.id);
  assert.equal(catalog.find('ac')?.id, ac.id);
  assert.equal(catalog.find(ac.id.slice(7))?.id, ac.id);
  assert.equal(catalog.find(`abc@${HEX('a')}`), undefined, 'of another repository');
  assert.equal(catalog.find(`x.io/app:v9@${HEX('a')}`)?.id, ab.id, 'a digest says more than the tag beside it');
  for (const ambiguous of ['a', 'sha256:a', 'ab']) {
    assert.throws(() => catalog.find(ambiguous), { code: 'INVALID_ARGUMENT', message: /ids begin like that/ });
  }
  for (const nothing of ['', 'sha256:', 'ABC', 'ffff', 'a:b:c', '../etc', '(a|b)+']) {
    assert.equal(catalog.find(nothing), undefined, nothing);
  }
});

test('names are normal: library, latest, and the digest before the tag', () => {
  assert.equal(nameOf('busybox'), 'docker.io/library/busybox:latest');
  assert.equal(nameOf(`busybox:1.36@${HEX('a')}`), `docker.io/library/busybox@${HEX('a')}`);
  assert.equal(nameOf('Busybox'), undefined);
});

test('a tag is one image’s: it moves, and the one that had it stays with what else it has', () => {
  const images = [image('a', ['x.io/app:v1', 'x.io/app:latest']), image('b', ['y.io/b:1'])];
  const moved = withImage(images, image('c', ['x.io/app:latest']));
  assert.deepEqual(tagsOf(moved), { a: ['x.io/app:v1'], b: ['y.io/b:1'], c: ['x.io/app:latest'] });
  assert.deepEqual(tagsOf(images).a, ['x.io/app:v1', 'x.io/app:latest'], 'the old list is as it was');
});

test('an image that is pulled by another name has both, each once', () => {
  const again = image('a', ['x.io/app:v2', 'x.io/app:v1'], { digests: [`y.io/app@${HEX('a')}`], size: 2 });
  const [merged, ...others] = withImage([image('a', ['x.io/app:v1'])], again);
  assert.deepEqual(merged?.tags, ['x.io/app:v1', 'x.io/app:v2']);
  assert.deepEqual(merged?.digests, [`x.io/app@${HEX('a')}`, `y.io/app@${HEX('a')}`]);
  assert.deepEqual([merged?.size, others], [2, []], 'the rest is the newer’s');
});

test('a mark goes when the disk has what it was for; a later one of the same image stays', () => {
  const images = [image('a', [], { unwritten: 'boot 1' }), image('b', [], { unwritten: 'boot 2' }), image('c')];
  const left = withoutMarks(images, new Set(['boot 1']));
  assert.deepEqual(
    left.map(({ unwritten }) => unwritten),
    [undefined, 'boot 2', undefined],
  );
  assert.ok(!left.some((entry) => 'unwritten' in entry && entry.unwritten === undefined));
});
