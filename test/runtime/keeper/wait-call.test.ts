import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodeIn, WaitCall } from '../../../runtime/keeper/wait-call.js';

/** A sandbox that gets one request whole and is then `answer`ed by. */
async function sandbox(t: TestContext, answer: (socket: net.Socket, request: string) => void): Promise<string> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-wait-'));
  const file = path.join(directory, 's');
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => answer(socket, data.toString()));
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  t.after(() => {
    server.close();
    fs.rmSync(directory, { recursive: true });
  });
  return file;
}

test('the request is sent as it is, and the answer may come in pieces', async (t) => {
  let seen = '';
  const socket = await sandbox(t, async (connection, request) => {
    seen = request;
    for (const piece of ['{"success":', 'true,"err":"","res', 'ult":1792}']) {
      connection.write(piece);
      await sleep(5);
    }
  });
  let descriptor = -1;
  const call = new WaitCall({ socket, request: '{"method":"m","arg":"c"}' });
  const code = await call.run((fd) => {
    descriptor = fd;
  });
  assert.deepEqual([code, seen, descriptor > 2], [7, '{"method":"m","arg":"c"}', true]);
});

for (const [what, answer] of [
  ['an error', (socket: net.Socket) => socket.write('{"success":false,"err":"unknown method","result":null}')],
  ['an end', (socket: net.Socket) => socket.end()],
  ['half an answer and an end', (socket: net.Socket) => socket.end('{"success":true,')],
  ['more than an answer may have', (socket: net.Socket) => socket.write(`{"success":true,"x":"${'x'.repeat(5000)}`)],
] as const) {
  test(`${what} is no exit code`, async (t) => {
    const socket = await sandbox(t, (connection) => void answer(connection));
    assert.equal(await new WaitCall({ socket, request: '{}' }).run(() => undefined), undefined);
  });
}

test('a socket that is not there, or is closed here, tells nothing', async (t) => {
  assert.equal(await new WaitCall({ socket: '/nowhere/s', request: '{}' }).run(() => undefined), undefined);
  const call = new WaitCall({ socket: await sandbox(t, () => undefined), request: '{}' });
  const asked = call.run(() => call.close());
  assert.equal(await asked, undefined);
});

test('statuses are those of wait(2)', () => {
  const codeOf = (result: unknown) => exitCodeIn({ success: true, err: '', result });
  assert.deepEqual([0, 7 << 8, 255 << 8, 9, 15, 9 | 0x80].map(codeOf), [0, 7, 255, 137, 143, 137]);
  for (const result of [0x7f, -1, 1.5, 1 << 16, '7', null, undefined]) assert.equal(codeOf(result), undefined);
  assert.equal(exitCodeIn({ result: 0 }), undefined);
  assert.equal(exitCodeIn(7), undefined);
});
