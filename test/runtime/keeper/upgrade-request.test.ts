import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { encodeFrame } from '../../../runtime/keeper/frames.js';
import { requestUpgrade } from '../../../runtime/keeper/upgrade-request.js';

const program = { program: '/usr/bin/node', flags: ['--flag'], main: '/keeper.js' };

/** What answers in a way that a keeper of this version does not. */
async function withPeer(answer: (socket: net.Socket, asked: Buffer) => void, check: (state: string) => Promise<void>) {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-upgrade-'));
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).on('data', (data: Buffer) => answer(socket, data));
  });
  await new Promise<void>((resolve) => server.listen(path.join(state, 'keeper.sock'), resolve));
  try {
    await check(state);
  } finally {
    server.close();
    fs.rmSync(state, { recursive: true });
  }
}

test('it is a connection’s first message, and its answer may come in pieces', async () => {
  let asked = '';
  await withPeer(
    (socket, data) => {
      asked += data.toString('latin1', 4);
      const frame = encodeFrame({ upgraded: true });
      socket.write(frame.subarray(0, 3));
      setImmediate(() => socket.write(frame.subarray(3)));
    },
    (state) => requestUpgrade(state, program),
  );
  assert.deepEqual(JSON.parse(asked), { upgrade: program });
});

test('a keeper that refuses, dies of it, says what no keeper says, or nothing', async () => {
  const error = { code: 'ABORTED', message: 'not now' };
  const answers: readonly [(socket: net.Socket) => void, object][] = [
    [(socket) => socket.write(encodeFrame({ error })), error],
    [(socket) => socket.write(encodeFrame({ upgraded: 1 })), { code: 'INTERNAL', message: /error that is none/ }],
    [(socket) => socket.destroy(), { code: 'UNAVAILABLE', message: /ended while it was upgraded/ }],
    [(socket) => socket.end('HTTP/1.1 400 Bad Request'), { code: 'UNAVAILABLE', message: /is none: a frame of/ }],
    [() => undefined, { code: 'UNAVAILABLE', message: 'no end of the upgrade within 30 ms' }],
  ];
  for (const [answer, expected] of answers) {
    await withPeer(answer, (state) => assert.rejects(requestUpgrade(state, program, 30), expected));
  }
  await assert.rejects(requestUpgrade('/does/not/exist', program), {
    code: 'UNAVAILABLE',
    message: /does\/not\/exist/,
  });
});
