import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Node } from '../../sandbox/node.js';
import { createSessions } from '../../sandbox/sessions.js';

const NEVER = new AbortController().signal;
const MAX = 1024;

test('sessions are bounded, and one that ends makes room for another', async () => {
  const connections: PassThrough[] = [];
  const backend = {
    connect: async () => {
      const connection = new PassThrough();
      connections.push(connection);
      return connection;
    },
  };
  const pods = { get: () => ({ id: 'p', record: { state: 'ready' } }) };
  const sessions = createSessions({ pods, backend: () => backend } as unknown as Node);
  const connect = () => sessions.connect('p', 80, NEVER);
  for (let count = 0; count < MAX; count += 1) await connect();
  await assert.rejects(connect(), { code: 'RESOURCE_EXHAUSTED' });
  connections[0]?.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  await connect();
  await assert.rejects(connect(), { code: 'RESOURCE_EXHAUSTED' });
});
