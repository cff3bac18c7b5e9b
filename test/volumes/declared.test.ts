import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { declaredVolumes } from '../../volumes/declared.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
let rootfs = '';
before(() => {
  root = makeTemporary();
  rootfs = path.join(root, 'rootfs');
  fs.mkdirSync(path.join(rootfs, 'var/lib'), { recursive: true });
  for (const name of ['run', 'tmp']) fs.mkdirSync(path.join(rootfs, name));
  fs.writeFileSync(path.join(rootfs, 'file'), '');
  fs.symlinkSync('/run', path.join(rootfs, 'var/run'));
  fs.symlinkSync('/nowhere', path.join(rootfs, 'dangling'));
  fs.symlinkSync('loop', path.join(rootfs, 'loop'));
  fs.symlinkSync('../../../../../../tmp', path.join(rootfs, 'out'));
});
after(() => removeTemporary(root));

const NONE = { destinations: [], mappings: undefined };
const made = (declared: readonly string[], destinations: readonly string[] = []) =>
  declaredVolumes(declared, { ...NONE, rootfs, destinations });

test('what the image lacks is made, and each is mounted on itself once, by the path without symlinks', () => {
  const mounts = made(['/data/db', 'data/db/', '/var/run/app', '/var/lib']);
  const places = mounts.map(({ destination, source }) => [destination, path.relative(rootfs, source)]);
  assert.deepEqual(places, [
    ['/data/db', 'data/db'],
    ['/var/run/app', 'run/app'],
    ['/var/lib', 'var/lib'],
  ]);
  assert.deepEqual(mounts[0]?.options, ['rbind', 'rprivate', 'rw']);
  assert.equal(fs.statSync(path.join(rootfs, 'data')).mode & 0o7777, 0o755);
});

test('what would lead out of the root file system stays in it', () => {
  const places = made(['/../../../../crib-escape', '/out/crib-escape', '/a/../../crib-b']).map(({ source }) => source);
  assert.deepEqual(
    places,
    ['crib-escape', 'tmp/crib-escape', 'crib-b'].map((name) => path.join(rootfs, name)),
  );
  for (const outside of ['/crib-escape', '/tmp/crib-escape', '/crib-b']) assert.equal(fs.existsSync(outside), false);
});

test('left out: what is no directory, what another mount has, the system, and what no program needs', () => {
  const names = ['/', '.', '/proc/x', '/dev', '/sys/fs', '/file', '/file/below', '/dangling', '/dangling/x', '/loop/x'];
  assert.deepEqual(
    made([...names, '/a\0b', `/${'x'.repeat(300)}`, '/d'.repeat(40), '/taken', '/taken/below'], ['/taken']),
    [],
  );
  assert.equal(made(Array.from({ length: 10_000 }, (_, index) => `/many/${index}`)).length, 100);
});

test('in a user namespace its root owns what is made', () => {
  const range = { containerId: 0, hostId: 200_000, length: 65_536 };
  declaredVolumes(['/owned/deep'], { ...NONE, rootfs, mappings: { uids: [range], gids: [range] } });
  const owners = ['owned', 'owned/deep'].map((name) => fs.statSync(path.join(rootfs, name)));
  assert.deepEqual(
    owners.map(({ uid, gid }) => [uid, gid]),
    [
      [200_000, 200_000],
      [200_000, 200_000],
    ],
  );
});
