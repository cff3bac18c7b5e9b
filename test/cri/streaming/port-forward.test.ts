import assert from 'node:assert/strict';
import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { forward } from '../../../cri/streaming/port-forward.js';
import { processSessions } from '../../support/process-sessions.js';

function parts(connect: () => Promise<Duplex>, signal = new AbortController().signal) {
  const readable = new PassThrough();
  const writable = new PassThrough();
  const sessions = { ...processSessions(), connect };
  return {
    readable,
    writable,
    begin: (halfClose: boolean) =>
      forward({ readable, writable, halfClose }, { sessions, podId: 'p1', port: 80, signal }),
  };
}

test('both directions and both ends', async () => {
  const { readable, writable, begin } = parts(async () => new PassThrough());
  const done = begin(true);
  readable.end('hello');
  assert.equal(await text(writable), 'hello');
  await done;
});

test('without half-close the pod’s end is the end', async () => {
  const pod = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback() });
  const { writable, begin } = parts(async () => pod);
  const done = begin(false);
  pod.push('bye');
  pod.push(null);
  assert.equal(await text(writable), 'bye');
  await done;
  assert.equal(pod.destroyed, true);
});

test('what breaks is told with port and pod', async () => {
  const refused = parts(() => Promise.reject(new Error('ECONNREFUSED')));
  await assert.rejects(refused.begin(true), { message: 'error forwarding port 80 to pod p1: ECONNREFUSED' });
  const pod = new PassThrough();
  const broken = parts(async () => pod);
  const done = broken.begin(true);
  setImmediate(() => pod.destroy(new Error('ECONNRESET')));
  await assert.rejects(done, { message: 'error forwarding port 80 to pod p1: ECONNRESET' });
});

test('a client that is gone closes the connection, without an error', async () => {
  const controller = new AbortController();
  const pod = new PassThrough();
  const { begin } = parts(async () => pod, controller.signal);
  const done = begin(true);
  setImmediate(() => controller.abort());
  await done;
  assert.equal(pod.destroyed, true);
});
