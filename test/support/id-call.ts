/** What is the same for each call that takes an id and answers nothing: one set of tests, run by the file of each call. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CriClient } from '../../cri/client.js';
import { CribError } from '../../runtime/errors.js';
import type { PodRuntime } from '../../sandbox/types.js';
import { refused, startFakeService } from './fake-service.js';

export interface IdCall {
  /** What the node is asked. */
  readonly asks: keyof PodRuntime;
  /** The field of the request, as the proto has it. */
  readonly field: string;
  readonly ask: (client: CriClient, id: string) => Promise<unknown>;
}

export async function testIdCall({ asks, field, ask }: IdCall): Promise<void> {
  let failure: Error | undefined;
  const { client, asked } = await startFakeService({
    [asks]: async () => {
      if (failure !== undefined) throw failure;
    },
  });

  test('the id arrives as it was given, a prefix too', async () => {
    await ask(client, '0123abc');
    assert.deepEqual(asked, [[asks, '0123abc']]);
  });

  test('an id that is none reaches nobody', async () => {
    const message = new RegExp(`^${field}`);
    for (const id of ['', '..', 'a/b', 'a b', 'a\0']) await assert.rejects(ask(client, id), refused(message), id);
    assert.equal(asked.length, 1);
  });

  test("the node's refusal is the client's, with its code and its words", async () => {
    failure = new CribError('FAILED_PRECONDITION', 'not now');
    await assert.rejects(ask(client, 'a'), { code: 'FAILED_PRECONDITION', message: 'not now' });
    failure = new Error('EIO');
    await assert.rejects(ask(client, 'a'), { code: 'INTERNAL', message: /EIO/ });
  });
}
