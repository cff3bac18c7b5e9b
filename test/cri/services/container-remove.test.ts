import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { refused, startFakeService } from '../../support/fake-service.js';

let failure: Error | undefined;
const { client, asked } = await startFakeService({
  removeContainer: async () => {
    if (failure !== undefined) throw failure;
  },
});
const ask = (containerId: string) => client.runtime.removeContainer({ containerId });

test('the id arrives as it was given, a prefix too', async () => {
  await ask('0123abc');
  assert.deepEqual(asked, [['removeContainer', '0123abc']]);
});

test('an id that is none reaches nobody', async () => {
  for (const id of ['', '..', 'a/b', 'a b', 'a\0']) await assert.rejects(ask(id), refused(/^container_id/), id);
  assert.equal(asked.length, 1);
});

test("the node's refusal is the client's, with its code and its words", async () => {
  failure = new CribError('FAILED_PRECONDITION', 'not now');
  await assert.rejects(ask('a'), { code: 'FAILED_PRECONDITION', message: 'not now' });
  failure = new Error('EIO');
  await assert.rejects(ask('a'), { code: 'INTERNAL', message: /EIO/ });
});
