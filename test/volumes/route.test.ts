import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bind } from '../../volumes/kinds/bind.js';
import { emptyDir } from '../../volumes/kinds/emptydir.js';
import { chooseRoute, type Settled } from '../../volumes/route.js';
import type { VolumeContext } from '../../volumes/types.js';
import { GUEST, HOST } from './fixture.js';
import { factsOf, kubeletVolume } from './kinds/facts-of.js';

const NEW: Settled = { route: undefined, inParts: false, obstacle: undefined };
const facts = factsOf(kubeletVolume('empty-dir', 'cache'));
const choose = (change: Partial<VolumeContext> = {}, settled = NEW) =>
  chooseRoute(emptyDir, facts, { ...GUEST, ...change }, settled);
const routed = (routes: VolumeContext['policy']['routes']) => ({
  policy: { ...GUEST.policy, routes, annotations: ['emptydir'] as const },
});

test('the first that the sandbox offers, unless the configuration says otherwise', () => {
  assert.equal(choose().route, 'guest-local');
  assert.deepEqual(choose(routed({ emptydir: 'host-shared' })).route, 'host-shared');
  assert.deepEqual(choose(routed({ emptydir: 'refused' })), { route: 'refused', reason: 'the configuration says so' });
  assert.equal(chooseRoute(bind, factsOf('/srv'), HOST, NEW).route, 'bind');
});

test("the pod's word wins over the configuration's, a volume's name over its kind", () => {
  const configured = routed({ emptydir: 'refused' });
  const kinds = { emptydir: 'guest-local' as const };
  assert.equal(choose({ ...configured, podRoutes: { kinds, volumes: {} } }).route, 'guest-local');
  const volumes = { cache: 'host-shared' as const, other: 'refused' as const };
  assert.equal(choose({ ...configured, podRoutes: { kinds, volumes } }).route, 'host-shared');
  assert.throws(() => choose({ podRoutes: { kinds: {}, volumes } }), { code: 'FAILED_PRECONDITION' });
});

test('a volume goes one way for all containers of the pod', () => {
  const { route, reason } = choose({}, { route: 'host-shared', inParts: false, obstacle: undefined });
  assert.equal(route, 'host-shared');
  assert.match(reason, /^another container of the pod has it so: .*shared from the host/);
  assert.equal(choose({}, { route: 'guest-local', inParts: false, obstacle: undefined }).reason, choose().reason);
});

test('a volume that is mounted in parts is one that the sandbox can take parts of', () => {
  const parts: Settled = { route: undefined, inParts: true, obstacle: undefined };
  assert.equal(choose({}, parts).route, 'host-shared');
  assert.match(choose({}, parts).reason, /mounts a part of it/);
  const able = { capabilities: { ...GUEST.capabilities, guestLocalSubPaths: true } };
  assert.equal(choose(able, parts).route, 'guest-local');
  const late: Settled = { route: 'guest-local', inParts: true, obstacle: undefined };
  assert.equal(choose({}, late).route, 'refused');
  assert.match(choose({}, late).reason, /another has it inside the sandbox already.*host-shared/);
  assert.equal(choose(able, late).route, 'guest-local');
});

test('what cannot be inside of the sandbox goes the next way, with the reason', () => {
  const { route, reason } = choose({}, { ...NEW, obstacle: 'it holds a socket' });
  assert.equal(route, 'host-shared');
  assert.match(reason, /^it holds a socket; .*shared from the host$/);
});
