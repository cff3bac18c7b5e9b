import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const { client, asked } = await startFakeService();

test('the reference arrives, and what is not there is no error', async () => {
  await client.images.removeImage({ image: { image: 'example.com/a:1' } });
  assert.deepEqual(asked, [['remove', 'example.com/a:1']]);
});

test('an image must be named, or everything would be', async () => {
  await assert.rejects(client.images.removeImage({}), refused(/^image/));
  await assert.rejects(client.images.removeImage({ image: { image: '' } }), refused(/^image/));
  assert.equal(asked.length, 1);
});
