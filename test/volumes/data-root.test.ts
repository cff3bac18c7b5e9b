import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { dataRootOf, isVolumesOf, volumesDirectoryOf } from '../../volumes/data-root.js';
import { makeTemporary, mountCommand, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('only the directory _data of one volume has the shape', () => {
  assert.equal(volumesDirectoryOf('/var/lib/docker/volumes/db/_data'), '/var/lib/docker/volumes');
  for (const place of [
    '/',
    '/_data',
    '/db/_data',
    '/x/volumes/db/_data/sub',
    '/x/volumes/db',
    '/x/volumes/db/x_data',
  ]) {
    assert.equal(volumesDirectoryOf(place), undefined, place);
  }
});

test('the data root may have slashes behind it, or be given as its directory of volumes', () => {
  for (const given of ['/var/lib/docker', '/var/lib/docker//', '/var/lib/docker/volumes', '/var/lib/docker/volumes/']) {
    assert.equal(isVolumesOf('/var/lib/docker/volumes', given), true, given);
  }
});

test('by whole elements: a longer name is another directory', () => {
  for (const directory of [
    '/var/lib/docker',
    '/var/lib/docker/volumesX',
    '/var/lib/docker2/volumes',
    '/var/lib/docker/volumes/a',
    '/lib/docker/volumes',
    '/x/var/lib/docker/volumes',
  ]) {
    assert.equal(isVolumesOf(directory, '/var/lib/docker'), false, directory);
  }
});

test('rootless roots have a star for the user, and remapped users one directory more', () => {
  const rootless = '/home/*/.local/share/containers/storage';
  assert.equal(isVolumesOf('/home/ann/.local/share/containers/storage/volumes', rootless), true);
  assert.equal(isVolumesOf('/home/ann/b/.local/share/containers/storage/volumes', rootless), false);
  assert.equal(isVolumesOf('/home/.local/share/containers/storage/volumes', rootless), false);
  assert.equal(isVolumesOf('/var/lib/docker/231072.231072/volumes', '/var/lib/docker'), true);
  assert.equal(isVolumesOf('/var/lib/docker/other/volumes', '/var/lib/docker'), false);
});

test('behind a symlink and behind a bind mount it is still the same root', async () => {
  const real = path.join(root, 'disk/containers');
  fs.mkdirSync(path.join(real, 'volumes/db/_data'), { recursive: true });
  fs.mkdirSync(path.join(real, 'volumesX/db/_data'), { recursive: true });
  const [link, bound] = [path.join(root, 'link'), path.join(root, 'bound')];
  fs.symlinkSync(real, link);
  fs.mkdirSync(bound);
  mountCommand('--bind', real, bound);
  const data = path.join(real, 'volumes/db/_data');
  for (const configured of [real, link, bound, path.join(link, 'volumes')]) {
    assert.equal(await dataRootOf(data, ['/nowhere', configured]), configured);
    assert.equal(await dataRootOf(path.join(bound, 'volumes/db/_data'), [configured]), configured);
    assert.equal(await dataRootOf(path.join(real, 'volumesX/db/_data'), [configured]), undefined);
  }
  assert.equal(await dataRootOf(data, []), undefined);
});
