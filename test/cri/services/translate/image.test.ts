import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageMessage } from '../../../../cri/services/translate/image.js';
import type { ImageRecord } from '../../../../runtime/images/types.js';

const RUN = { env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };
const record = (user: string, names: Partial<ImageRecord> = {}): ImageRecord => ({
  id: 'sha256:1',
  tags: ['localhost/a:1'],
  digests: ['localhost/a@sha256:2'],
  size: 5,
  pinned: true,
  run: { ...RUN, user },
  chain: [],
  annotations: { a: 'b' },
  ...names,
});

test('a user that is a number is a uid, one that is a name a username; a group is neither', () => {
  const users = ['', '0', '1000:2000', 'www:www', '12345678901'].map((user) => {
    const { uid, username } = imageMessage(record(user));
    return uid?.value ?? username;
  });
  assert.deepEqual(users, [undefined, 0n, 1000n, 'www', '12345678901']);
});

test('an image is named by its tag, else its digest, else its id', () => {
  const names = [record(''), record('', { tags: [] }), record('', { tags: [], digests: [] })];
  const images = names.map((one) => imageMessage(one).spec?.image);
  assert.deepEqual(images, ['localhost/a:1', 'localhost/a@sha256:2', 'sha256:1']);
  const { size, pinned, spec } = imageMessage(record(''));
  assert.deepEqual([size, pinned, spec?.annotations], [5n, true, { a: 'b' }]);
});
