import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNamedRoute, checkPolicy, choicesFor, defaultPolicy, podRoutesOf } from '../../volumes/policy.js';
import { GUEST, HOST } from './fixture.js';

const guest = GUEST.capabilities;
const may = { ...GUEST.policy, annotations: ['emptydir', 'bind'] as const };

test('a policy has the choice of what the sandbox offers for a kind, and of refusing it', () => {
  assert.deepEqual(choicesFor('emptydir', guest), ['guest-local', 'host-shared', 'refused']);
  assert.deepEqual(choicesFor('emptydir', { ...guest, guestLocal: [] }), ['host-shared', 'refused']);
  assert.deepEqual(choicesFor('emptydir', HOST.capabilities), ['bind', 'refused']);
  assert.deepEqual(choicesFor('block-device', guest), ['refused']);
  assert.deepEqual(choicesFor('tmp', guest), ['refused'], 'nobody asks for it by kind');
});

test('a configured route that the sandbox does not offer is refused with its field', () => {
  checkPolicy({ ...GUEST.policy, routes: { emptydir: 'host-shared', bind: 'refused' } }, guest, 'volumes.gvisor');
  const local = { ...HOST.policy, routes: { emptydir: 'guest-local' as const } };
  assert.throws(() => checkPolicy(local, HOST.capabilities, 'volumes.host'), {
    code: 'FAILED_PRECONDITION',
    message: 'volumes.host.emptydir: this sandbox has no route "guest-local" for emptydir; there are: bind, refused',
  });
});

test('a pod asks by kind and by name, where it may', () => {
  const annotations = {
    'kind.route.crib.dev/emptydir': 'host-shared',
    'volume.route.crib.dev/cache': 'guest-local',
    'other.dev/x': 'y',
  };
  assert.deepEqual(podRoutesOf(annotations, may, guest), {
    kinds: { emptydir: 'host-shared' },
    volumes: { cache: 'guest-local' },
  });
  assert.deepEqual(podRoutesOf({}, GUEST.policy, guest), { kinds: {}, volumes: {} });
});

const WRONG = [
  ['kind.route.crib.dev/emptydirs', 'host-shared', 'INVALID_ARGUMENT', /no volume kind "emptydirs"/],
  ['kind.route.crib.dev/emptydir', 'Host-Shared', 'INVALID_ARGUMENT', /no route "Host-Shared"; there are: bind/],
  ['volume.route.crib.dev/cache', '', 'INVALID_ARGUMENT', /no route ""/],
  ['kind.route.crib.dev/emptydir', 'bind', 'FAILED_PRECONDITION', /this sandbox has no route "bind" for emptydir/],
  ['kind.route.crib.dev/config', 'host-shared', 'FAILED_PRECONDITION', /does not leave the route of config to pods/],
] as const;
for (const [key, value, code, message] of WRONG) {
  test(`refused: ${key}: ${value}`, () => {
    assert.throws(
      () => podRoutesOf({ [key]: value }, may, guest),
      (error: Error) => {
        assert.ok(error.message.startsWith(`config.annotations["${key}"]: `), error.message);
        assert.match(error.message, message);
        assert.equal('code' in error && error.code, code);
        return true;
      },
    );
  });
}

test('where the configuration leaves nothing to pods, a name is refused as soon as the pod is made', () => {
  assert.throws(() => podRoutesOf({ 'volume.route.crib.dev/cache': 'host-shared' }, GUEST.policy, guest), {
    code: 'FAILED_PRECONDITION',
    message: /volume\.route\.crib\.dev\/cache"\]: the configuration .* of any volume to pods/,
  });
});

test("a named volume's route is checked again once its kind is known", () => {
  checkNamedRoute('cache', 'emptydir', 'host-shared', may, guest);
  assert.throws(() => checkNamedRoute('cache', 'config', 'host-shared', may, guest), /of config to pods/);
  assert.throws(() => checkNamedRoute('cache', 'emptydir', 'device', may, guest), /no route "device" for emptydir/);
});

test('by itself, only a sandbox with a kernel of its own gets a tmpfs at /tmp', () => {
  assert.equal(defaultPolicy(guest).tmp, 'tmpfs');
  assert.equal(defaultPolicy(HOST.capabilities).tmp, 'image');
});
