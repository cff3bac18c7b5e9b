import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from '../../cri/client.js';
import { CribError } from '../../runtime/errors.js';
import { startFakeService, viewOfContainer } from '../support/fake-service.js';
import { until } from '../support/until.js';

const ended: string[] = [];
const { client } = await startFakeService({
  containerStatus: (id: string) => {
    throw new CribError('NOT_FOUND', `container ${id}: there is none — «nirgends»`);
  },
  listContainers: () => Array.from({ length: 3 }, (_, index) => viewOfContainer(`c${index}`)),
  execSync: (id: string, _: unknown, __: number, signal: AbortSignal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        ended.push(id);
        reject(new CribError('CANCELLED', 'cancelled'));
      });
    }),
  events: async function* (signal: AbortSignal) {
    yield* [];
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
});

test('an error has the server’s code and its message as it was', async () => {
  await assert.rejects(client.runtime.containerStatus({ containerId: 'x' }), (error: unknown) => {
    assert.ok(error instanceof CribError);
    assert.deepEqual([error.code, error.message], ['NOT_FOUND', 'container x: there is none — «nirgends»']);
    return true;
  });
});

test('a caller that goes away ends the call on both sides; one that had gone before sends nothing', async () => {
  const abort = new AbortController();
  const call = client.runtime.execSync({ containerId: 'long', cmd: ['x'] }, { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await assert.rejects(call, { code: 'CANCELLED' });
  await until(() => ended.includes('long'), 'the server hears of it');
  const late = client.runtime.execSync({ containerId: 'late', cmd: ['x'] }, { signal: AbortSignal.abort() });
  await assert.rejects(late, { code: 'CANCELLED', message: /before it was sent/ });
  assert.ok(!ended.includes('late'));
});

test('a call that takes too long ends', async () => {
  const call = client.runtime.execSync({ containerId: 'slow', cmd: ['x'] }, { timeoutMs: 100 });
  await assert.rejects(call, { code: 'DEADLINE_EXCEEDED' });
  await until(() => ended.includes('slow'), 'the server hears of it');
});

test('a stream gives its messages, and ends when its reader leaves or goes away', async () => {
  const ids: string[] = [];
  for await (const { containers } of client.runtime.streamContainers({})) ids.push(...containers.map(({ id }) => id));
  assert.deepEqual(ids, ['c0', 'c1', 'c2']);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const reading = async () => {
    for await (const _ of client.runtime.getContainerEvents({}, { signal: abort.signal }));
  };
  await assert.rejects(reading(), { code: 'CANCELLED' });
  const gone = client.runtime.getContainerEvents({}, { signal: AbortSignal.abort() });
  await assert.rejects(async () => {
    for await (const _ of gone);
  });
});

test('where nobody listens the call is UNAVAILABLE, at once', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-client-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const nobody = connect(path.join(directory, 'crib.sock'));
  t.after(() => nobody.close());
  await assert.rejects(nobody.runtime.version({}), { code: 'UNAVAILABLE' });
});

test('an answer of more than 4 MiB, which grpc-js takes by itself, is read', async () => {
  const message = 'm'.repeat(6 << 20);
  const large = await startFakeService({
    listContainers: () => [viewOfContainer('c', { config: annotated(message) })],
  });
  const { containers } = await large.client.runtime.listContainers({});
  assert.equal(containers[0]?.annotations.large?.length, message.length);
});

function annotated(text: string) {
  const { config } = viewOfContainer();
  return { ...config, annotations: { large: text } };
}
