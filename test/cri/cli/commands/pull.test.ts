import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pull } from '../../../../cri/cli/commands/pull.js';
import { CribError } from '../../../../runtime/errors.js';
import { startFakeService } from '../../../support/fake-service.js';
import { invocation, printed } from './printed.js';

const DIGEST = `x.io/app@sha256:${'a'.repeat(64)}`;
const record = { id: 'sha256:1', tags: ['x.io/app:v1'], digests: [DIGEST], size: 1 };
const { address, asked } = await startFakeService(
  {},
  {
    pull: async (reference: string) => {
      if (reference === 'x.io/none') throw new CribError('NOT_FOUND', 'HTTP status 404');
      return record;
    },
  },
);

test('what is printed is what can be given to the next command', async (t) => {
  const { stdout, stderr } = await printed(t, () => pull(invocation(address), 'x.io/app:v1'));
  const json = JSON.parse((await printed(t, () => pull(invocation(address, true), 'x.io/app:v1'))).stdout);
  assert.deepEqual(json, { image: 'x.io/app:v1', imageRef: stdout.trim() });
  assert.ok([record.id, DIGEST].includes(stdout.trim()), stdout);
  assert.equal(stderr, '', 'where nobody looks on there is no progress');
  assert.deepEqual(asked[0]?.slice(0, 2), ['pull', 'x.io/app:v1']);
});

test('what cannot be pulled is the registry’s error', async (t) => {
  const failing = printed(t, () => pull(invocation(address), 'x.io/none'));
  await assert.rejects(failing, { code: 'NOT_FOUND', message: /404/ });
});
