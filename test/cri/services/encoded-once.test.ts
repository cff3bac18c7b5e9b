import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container, ListContainersResponse } from '../../../cri/api/generated/index.js';
import { encodeMessage } from '../../../cri/api/wire.js';
import { encodedOnce } from '../../../cri/services/encoded-once.js';

test('a view is translated once and a changed one again; the bytes are those of the message', () => {
  const translated: string[] = [];
  const message = encodedOnce(Container, (view: { readonly id: string }) => {
    translated.push(view.id);
    return { id: view.id, labels: { app: view.id } };
  });
  const one = { id: 'one' };
  const two = { id: 'two' };
  const listed = () => encodeMessage(ListContainersResponse, { containers: [one, two].map((view) => message(view)) });
  const plain = [one, two].map(({ id }) => ({ id, labels: { app: id } }));
  assert.deepEqual(listed(), encodeMessage(ListContainersResponse, { containers: plain }));
  assert.deepEqual(listed(), listed());
  assert.deepEqual(translated, ['one', 'two']);
  assert.deepEqual(message({ ...one }), message(one));
  assert.deepEqual(translated, ['one', 'two', 'one']);
});
