import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { PodRecord } from '../../sandbox/pod-record.js';
import { volumeContext } from '../../sandbox/volume-context.js';
import { podConfig } from '../support/configs.js';
import { type Fakes, fakeNode } from '../support/fake-node.js';
import { podRecord } from '../support/records.js';
import { GUEST, HOST } from '../volumes/fixture.js';

const PLACE = { id: 'c', rootfs: '/rootfs', label: 'label', annotations: {} };
const RANGE = [{ containerId: 0, hostId: 100_000, length: 65_536 }];
const USER_NAMESPACE = {
  namespaces: { ...podRecord('pod').namespaces, user: { uids: RANGE, gids: RANGE, path: '/run/user' } },
};
const HASH = `sha256:${'a'.repeat(64)}`;

async function contextOf(
  t: Parameters<typeof fakeNode>[0],
  change: Partial<PodRecord> = {},
  annotations: Readonly<Record<string, string>> = {},
  fakes: Fakes = {},
) {
  const { node, addPod } = await fakeNode(t, fakes);
  const pod = await addPod(change);
  return { node, pod, context: volumeContext(node, pod, { ...PLACE, annotations }) };
}

test('a container’s volumes are its own: below its bundle, beside its record, ended with its pod', async (t) => {
  const { node, pod, context } = await contextOf(t);
  assert.ok(context.owned.startsWith(`${node.bundle('c')}${path.sep}`));
  assert.equal(context.overlays, path.join(node.containerRecords.directory('c'), 'overlays'));
  assert.deepEqual([context.rootfs, context.label, context.podUid], ['/rootfs', 'label', 'uid-pod']);
  assert.deepEqual([context.earlier, context.verity, context.declared], [[], [], undefined]);
  assert.equal(context.signal, pod.ending);
});

test('out of a user namespace no mount gets back to the host, and some runtimes leave out those below', async (t) => {
  const plain = (await contextOf(t)).context;
  assert.deepEqual([plain.capabilities, plain.withoutSubmounts], [HOST.capabilities, false]);
  const inside = (await contextOf(t, USER_NAMESPACE)).context;
  assert.deepEqual(inside.capabilities, { ...HOST.capabilities, bidirectionalPropagation: false });
  assert.equal(inside.withoutSubmounts, false);
  const capabilities = { ...HOST.capabilities, submountsInUserNamespace: false };
  assert.equal((await contextOf(t, USER_NAMESPACE, {}, { backend: { capabilities } })).context.withoutSubmounts, true);
  assert.equal((await contextOf(t, {}, {}, { backend: { capabilities } })).context.withoutSubmounts, false);
});

test('an annotation of the container wins over its pod’s, where volumes are verified', async (t) => {
  const key = (word: string) => `${word}.verity.crib.dev/data`;
  const ofPod = { [key('roothash')]: HASH, [key('action')]: 'panic' };
  const config = { ...podConfig(), annotations: ofPod };
  const { context } = await contextOf(t, { config }, { [key('action')]: 'error' });
  const request = { name: 'data', rootHash: HASH, action: 'error', hold: 'watch', containerPath: undefined };
  assert.deepEqual(context.verity, [request]);
  const wrong = contextOf(t, { config }, { [key('hold')]: 'loosely' });
  await assert.rejects(wrong, { code: 'INVALID_ARGUMENT', message: /hold\.verity\.crib\.dev\/data/ });
});

test('routes are the pod’s to choose, not one container’s, among those of its sandbox', async (t) => {
  const route = { 'kind.route.crib.dev/emptydir': 'host-shared' };
  const inside = { backend: { capabilities: GUEST.capabilities } };
  const policy = { ...GUEST.policy, annotations: ['emptydir'] };
  const parts = { volumes: { roots: GUEST.roots, policyOf: () => policy } };
  const chosen = await contextOf(t, { config: { ...podConfig(), annotations: route } }, {}, { ...inside, parts });
  assert.deepEqual(chosen.context.podRoutes.kinds, { emptydir: 'host-shared' });
  const unheard = await contextOf(t, {}, route, { ...inside, parts });
  assert.deepEqual(unheard.context.podRoutes.kinds, {});
  const impossible = contextOf(t, { config: { ...podConfig(), annotations: route } }, {}, { parts });
  await assert.rejects(impossible, { message: /kind\.route\.crib\.dev\/emptydir/ });
});

test('what a volume is declared as is asked of the cluster where there is one, for this very pod', async (t) => {
  const asked: unknown[] = [];
  const podObjects = { volume: async (...args: unknown[]) => void asked.push(args) };
  const { context, pod } = await contextOf(t, {}, {}, { parts: { podObjects } });
  await context.declared?.('data');
  assert.deepEqual(asked, [[pod.record.config.metadata, 'data']]);
});

test('the sandbox says why a directory cannot be inside of it', async (t) => {
  const guestObstacle = ({ id }: PodRecord, directory: string) => `${id}: ${directory}`;
  const { context } = await contextOf(t, {}, {}, { backend: { guestObstacle } });
  assert.equal(context.guestObstacle?.('/x'), 'pod: /x');
});
