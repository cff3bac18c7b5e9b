import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAnything, findContainer, findContainerOrPod } from '../../../cri/cli/lookup.js';
import type { CriClient } from '../../../cri/client.js';

/** A daemon with these objects: what it answers is what the commands look at. */
const cri = {
  runtime: {
    listContainers: async () => ({
      containers: [
        { id: 'aa11', metadata: { name: 'web', attempt: 0 }, state: 2 },
        { id: 'aa22', metadata: { name: 'web', attempt: 1 }, state: 1 },
        { id: 'bb11', metadata: { name: 'db', attempt: 0 }, state: 2 },
        { id: 'bb22', metadata: { name: 'db', attempt: 1 }, state: 2 },
      ],
    }),
    listPodSandbox: async () => ({
      items: [
        { id: 'cc11', metadata: { name: 'pod', namespace: 'one' }, state: 0 },
        { id: 'cc22', metadata: { name: 'pod', namespace: 'two' }, state: 0 },
      ],
    }),
  },
  images: {
    imageStatus: async ({ image }: { image: { image: string } }) =>
      image.image === 'busybox' ? { image: { id: 'sha256:1' } } : {},
  },
} as unknown as CriClient;

test('an id, the beginning of one, a name; of one that was restarted the running one', async () => {
  assert.equal((await findContainer(cri, 'aa11')).id, 'aa11');
  assert.equal((await findContainer(cri, 'bb2')).id, 'bb22');
  assert.equal((await findContainer(cri, 'web')).id, 'aa22');
});

test('a whole name wins over the beginning of an id, also of something else', async () => {
  const shadowed = {
    runtime: {
      listContainers: async () => ({
        containers: [
          { id: 'cafe11', metadata: { name: 'other', attempt: 0 }, state: 1 },
          { id: 'bb11', metadata: { name: 'cafe', attempt: 0 }, state: 1 },
          { id: 'feed11', metadata: { name: 'third', attempt: 0 }, state: 1 },
        ],
      }),
      listPodSandbox: async () => ({ items: [{ id: 'cc11', metadata: { name: 'feed', namespace: 'one' }, state: 0 }] }),
    },
  } as unknown as CriClient;
  assert.equal((await findContainer(shadowed, 'cafe')).id, 'bb11');
  assert.equal((await findContainer(shadowed, 'cafe1')).id, 'cafe11');
  assert.equal((await findContainerOrPod(shadowed, 'feed')).id, 'cc11');
  assert.equal((await findContainerOrPod(shadowed, 'feed1')).id, 'feed11');
});

test('what could be several things is refused with their ids', async () => {
  const refused = (ids: RegExp) => ({ code: 'INVALID_ARGUMENT', message: ids });
  await assert.rejects(findContainer(cri, 'aa'), refused(/aa is the name of 2 containers.*aa11, aa22/));
  await assert.rejects(findContainer(cri, 'db'), refused(/bb11, bb22/));
  await assert.rejects(findContainerOrPod(cri, 'pod'), refused(/2 pods.*cc11, cc22/));
});

test('containers come before pods, pods before images; a pod may be named with its namespace', async () => {
  assert.equal((await findContainerOrPod(cri, 'two/pod')).id, 'cc22');
  assert.equal((await findAnything(cri, 'busybox')).kind, 'image');
  assert.equal((await findAnything(cri, 'cc1')).kind, 'pod');
});

test('what is not there is NOT_FOUND with the command that shows what is', async () => {
  const missing = { code: 'NOT_FOUND', message: /there is no .* no-such; see crib ps -a/ };
  await assert.rejects(findContainer(cri, 'no-such'), missing);
  await assert.rejects(findContainerOrPod(cri, 'no-such'), missing);
  await assert.rejects(findAnything(cri, 'no-such'), missing);
});
