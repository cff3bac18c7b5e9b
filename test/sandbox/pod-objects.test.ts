import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { type PodObject, PodObjects, type PodSource } from '../../sandbox/pod-objects.js';
import type { DeclaredVolume } from '../../volumes/types.js';
import { recordingLog } from '../support/log.js';

const CACHE: DeclaredVolume = { type: 'emptyDir', emptyDir: { medium: '', sizeLimitBytes: 4096 } };
const pod = (uid: string) => ({ namespace: 'default', name: `pod-${uid}`, uid, attempt: 0 });

/** Answers for the pods of these uids, or with what `answer` makes of the name. */
function objectsOf(answer: (name: string) => Promise<PodObject | undefined>) {
  const asked: string[] = [];
  let now = 0;
  const source: PodSource = {
    read: (_namespace, name) => {
      asked.push(name);
      return answer(name);
    },
    close: () => undefined,
  };
  const { log, lines } = recordingLog();
  const objects = new PodObjects(source, log, () => now);
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { objects, asked, lines, pass };
}

const found = async (name: string): Promise<PodObject> => ({
  uids: [name.replace('pod-', '')],
  volumes: { cache: CACHE },
});

test('a pod is read once, also for calls at the same time, and a volume that it lacks is undefined', async () => {
  const { objects, asked } = objectsOf(found);
  const both = await Promise.all([objects.volume(pod('a'), 'cache'), objects.volume(pod('a'), 'none')]);
  assert.deepEqual(both, [CACHE, undefined]);
  assert.deepEqual(await objects.volume(pod('a'), 'cache'), CACHE);
  assert.equal(await objects.volume(pod('a'), 'toString'), undefined);
  assert.deepEqual(asked, ['pod-a']);
});

test('a mirror pod stands for the static pod that it names', async () => {
  const { objects } = objectsOf(async () => ({ uids: ['mirror', 'static'], volumes: { cache: CACHE } }));
  assert.deepEqual(await objects.volume(pod('static'), 'cache'), CACHE);
});

test('another pod of that name, and none, are not taken for it, and asked again', async () => {
  const answers: (PodObject | undefined)[] = [undefined, { uids: ['other'], volumes: { cache: CACHE } }];
  const { objects, asked, lines } = objectsOf(async (name) => (answers.length > 0 ? answers.shift() : found(name)));
  assert.equal(await objects.volume(pod('a'), 'cache'), undefined);
  assert.equal(await objects.volume(pod('a'), 'cache'), undefined);
  assert.deepEqual(await objects.volume(pod('a'), 'cache'), CACHE);
  assert.equal(asked.length, 3);
  assert.deepEqual(
    lines.filter(({ level }) => level !== 'debug'),
    [],
  );
});

test('a cluster that does not answer fails nothing, is logged once, and is left alone for a while', async () => {
  let down = true;
  const { objects, asked, lines, pass } = objectsOf(async (name) => {
    if (down) throw new CribError('UNAVAILABLE', 'connection refused');
    return found(name);
  });
  assert.equal(await objects.volume(pod('a'), 'cache'), undefined);
  assert.equal(await objects.volume(pod('b'), 'cache'), undefined);
  assert.deepEqual(asked, ['pod-a']);
  const warnings = lines.filter(({ level }) => level === 'warn');
  assert.equal(warnings.length, 1);
  assert.match(JSON.stringify(warnings), /connection refused/);
  down = false;
  pass(30_001);
  assert.deepEqual(await objects.volume(pod('a'), 'cache'), CACHE);
});

test('a pod without a uid is not asked for', async () => {
  const { objects, asked } = objectsOf(found);
  assert.equal(await objects.volume(pod(''), 'cache'), undefined);
  assert.deepEqual(asked, []);
});

test('at most 512 pods are remembered, the one asked for longest ago goes first', async () => {
  const { objects, asked } = objectsOf(found);
  for (let index = 0; index < 512; index += 1) await objects.volume(pod(`p${index}`), 'cache');
  await objects.volume(pod('p0'), 'cache');
  await objects.volume(pod('new'), 'cache');
  assert.equal(asked.length, 513);
  await objects.volume(pod('p0'), 'cache');
  assert.equal(asked.length, 513, 'it was asked for since');
  await objects.volume(pod('p1'), 'cache');
  assert.equal(asked.length, 514);
});
