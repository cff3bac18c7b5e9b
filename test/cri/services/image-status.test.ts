import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const record = (id: string) => ({
  ...{ id, tags: [`example.com/${id}:1`], digests: [`example.com/${id}@sha256:1`], size: 7, pinned: false },
  ...{ chain: ['sha256:2'], annotations: {} },
  run: {
    ...{ user: '', env: ['A=b'], entrypoint: ['/e'], cmd: [], workingDir: '/w', stopSignal: '' },
    ...{ labels: { l: 'm' }, volumes: ['/data'] },
  },
});
const { client } = await startFakeService(
  {},
  { find: (reference: string) => (reference === 'one' ? record('one') : undefined) },
);
const status = (image: object | undefined, verbose = false) =>
  client.images.imageStatus(image === undefined ? {} : { image, verbose });

test('what is not there is an empty answer, not an error', async () => {
  const { image, info } = await status({ image: 'none' });
  assert.equal(image, undefined);
  assert.deepEqual(info, {});
});

test('what is there, verbosely only when asked', async () => {
  assert.deepEqual((await status({ image: 'one' })).info, {});
  const { image, info } = await status({ image: 'one' }, true);
  assert.deepEqual([image?.id, image?.repoTags, image?.size], ['one', ['example.com/one:1'], 7n]);
  const { chainIDs, imageSpec } = JSON.parse(info.info ?? '');
  assert.deepEqual(chainIDs, ['sha256:2']);
  const config = { Env: ['A=b'], Entrypoint: ['/e'], WorkingDir: '/w', Labels: { l: 'm' }, Volumes: { '/data': {} } };
  assert.deepEqual(imageSpec, { config }, 'what is set, as the image specification calls it');
});

test('an image must be named', async () => {
  await assert.rejects(status(undefined), refused(/^image/));
  await assert.rejects(status({ image: '' }), refused(/^image/));
});
