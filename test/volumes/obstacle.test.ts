import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../volumes/decide.js';
import { obstacleToGuest } from '../../volumes/obstacle.js';
import { KINDS } from '../../volumes/registry.js';
import type { VolumeContext, VolumeDecision } from '../../volumes/types.js';
import { GUEST, mountOf } from './fixture.js';
import { factsOf, kubeletVolume } from './kinds/facts-of.js';

const COPYING: VolumeContext = { ...GUEST, capabilities: { ...GUEST.capabilities, watchedCopies: true } };
const NO_PARTS: ReadonlySet<string> = new Set();

function decided(realPath: string, readonly: boolean, context: VolumeContext): Promise<VolumeDecision> {
  return decide(mountOf(realPath, '/data', { readonly }), factsOf(realPath), context, NO_PARTS);
}

test('a volume that the sandbox was made without is shared from the host, and the decision says why', async () => {
  const context = {
    ...COPYING,
    guestObstacle: (directory: string) => (directory.endsWith('/late') ? 'it is late' : undefined),
  };
  const late = await decided(kubeletVolume('empty-dir', 'late'), false, context);
  assert.equal(late.route, 'host-shared');
  assert.match(late.reason, /; it is late; /);
  const early = await decided(kubeletVolume('empty-dir', 'early'), false, context);
  assert.equal(early.route, 'guest-local');
  const copied = await decided(kubeletVolume('secret', 'late'), true, context);
  assert.equal(copied.route, 'host-shared');
  assert.match(copied.reason, /it is late; .* inotify does not fire/);
});

test('a watched volume is a copy where it is mounted whole and read-only, whatever other mounts of it are', async () => {
  const directory = kubeletVolume('configmap');
  const whole = await decided(directory, true, COPYING);
  assert.equal(whole.route, 'guest-local');
  assert.match(whole.reason, /inotify works/);
  const writable = await decided(directory, false, COPYING);
  assert.equal(writable.route, 'host-shared');
  assert.match(writable.reason, /mounted writable/);
  const part = await decided(`${directory}/key`, true, { ...COPYING, earlier: [whole] });
  assert.equal(part.route, 'host-shared');
  assert.match(part.reason, /never updates/);
  const again = await decided(directory, true, { ...COPYING, earlier: [part, writable] });
  assert.equal(again.route, 'guest-local');
});

test('what is no volume of the pod has no obstacle of its own', () => {
  const facts = factsOf('/srv/data');
  assert.equal(
    obstacleToGuest(KINDS.get('bind'), facts, mountOf('/srv/data', '/data'), {
      ...GUEST,
      guestObstacle: () => 'never',
    }),
    undefined,
  );
});

test('mounts that are to come in from the host keep a volume out of the sandbox, unless it is there already', async () => {
  const directory = kubeletVolume('empty-dir', 'v');
  const config = mountOf(directory, '/data', { propagation: 'host-to-container' });
  const first = await decide(config, factsOf(directory), GUEST, NO_PARTS);
  assert.equal(first.route, 'host-shared');
  assert.match(first.reason, /mounts of the host/);
  const whole = await decided(directory, false, GUEST);
  const second = await decide(config, factsOf(directory), { ...GUEST, earlier: [whole] }, NO_PARTS);
  assert.equal(second.route, 'guest-local');
});
