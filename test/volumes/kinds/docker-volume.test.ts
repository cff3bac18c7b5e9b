import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerVolume } from '../../../volumes/kinds/docker-volume.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

test('what lies in a data root is one, and is named', () => {
  const facts = factsOf('/srv/docker/volumes/db/_data', { dataRoot: '/var/lib/docker' });
  assert.equal(dockerVolume.matches(facts, HOST), 'it is the volume "db" of the data root /var/lib/docker');
  assert.equal(dockerVolume.matches({ ...facts, dataRoot: undefined }, HOST), undefined);
});

test('it outlives the pod, so a guest gets it from the host', () => {
  assert.equal(dockerVolume.routes(GUEST.capabilities)[0].route, 'host-shared');
});
