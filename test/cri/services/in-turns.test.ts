import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container, ListContainersResponse } from '../../../cri/api/generated/index.js';
import { encodeMessage } from '../../../cri/api/wire.js';
import { batches } from '../../../cri/services/batches.js';
import { encodedInTurns } from '../../../cri/services/in-turns.js';

const translate = (index: number) => ({ id: `c${index}`, labels: { a: 'x'.repeat(index) } });
const views = Array.from({ length: 300 }, (_, index) => index);

test('a list that was encoded in turns has the same bytes, also in parts', async () => {
  const containers = await encodedInTurns(views, Container, translate);
  const plain = views.map(translate);
  const bytes = (list: typeof containers) => encodeMessage(ListContainersResponse, { containers: list });
  assert.deepEqual(bytes(containers), bytes(plain));
  const parts = [...batches(containers, Container)].map(bytes);
  assert.deepEqual(Buffer.concat(parts), bytes(plain));
  assert.equal(parts.length, 3);
});

test('a translation that fails is the error of the list', async () => {
  const failing = () => {
    throw new Error('no such state');
  };
  await assert.rejects(encodedInTurns(views, Container, failing), /no such state/);
});
