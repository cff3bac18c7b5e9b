import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerVolume } from '../../../volumes/kinds/docker-volume.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

const matches = (path: string, ...dockerRoots: string[]) =>
  dockerVolume.matches(factsOf(path), { ...HOST, dockerRoots });

test('the data root may be given with slashes behind it, or as its volumes directory', () => {
  const path = '/var/lib/docker/volumes/db/_data';
  for (const root of ['/var/lib/docker', '/var/lib/docker//', '/var/lib/docker/volumes']) {
    assert.match(matches(path, root) ?? '', /the volume "db" of the data root/, root);
  }
  assert.notEqual(matches(path, '/srv', '/var/lib/docker'), undefined);
});

test('only the directory _data itself, of one volume, by whole path elements', () => {
  for (const path of [
    '/var/lib/docker/volumes',
    '/var/lib/docker/volumes/db',
    '/var/lib/docker/volumes/_data',
    '/var/lib/docker/volumes/db/_data/sub',
    '/var/lib/docker/volumes/a/b/_data',
    '/var/lib/docker/volumes/db/x_data',
    '/var/lib/docker/volumesX/db/_data',
    '/var/lib/docker2/volumes/db/_data',
  ]) {
    assert.equal(matches(path, '/var/lib/docker'), undefined, path);
  }
  assert.equal(matches('/var/lib/docker/volumes/db/_data'), undefined, 'no data root is configured');
});

test('it outlives the pod, so a guest gets it from the host', () => {
  assert.equal(dockerVolume.route(factsOf('/x'), GUEST.capabilities).route, 'host-shared');
});
