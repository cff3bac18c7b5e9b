import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const record = (id: string) => ({
  ...{ id, tags: [`example.com/${id}:1`], digests: [`example.com/${id}@sha256:1`], size: 7, pinned: false },
  ...{ chain: ['sha256:2'], annotations: {}, run: { user: '', env: ['A=b'] } },
});
const { client } = await startFakeService(
  {},
  {
    list: () => [record('one'), record('two')],
    find: (reference: string) => (reference === 'example.com/two' ? record('two') : undefined),
  },
);
const list = async (image?: string) => {
  const request = image === undefined ? {} : { filter: { image: { image } } };
  const { images } = await client.images.listImages(request);
  const streamed = [];
  for await (const part of client.images.streamImages(request)) streamed.push(...part.images);
  assert.deepEqual(streamed, images);
  return images.map(({ id }) => id);
};

test('all, or the one that the filter names, in list and stream', async () => {
  assert.deepEqual(await list(), ['one', 'two']);
  assert.deepEqual(await list(''), ['one', 'two'], 'an empty filter is none');
  assert.deepEqual(await list('example.com/two'), ['two']);
  assert.deepEqual(await list('example.com/none'), []);
});

test('a name with a NUL in it is none', async () => {
  await assert.rejects(list('a\0'), refused(/^filter\.image\.image/));
});
