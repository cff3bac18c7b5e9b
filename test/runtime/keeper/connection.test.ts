import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, FrameReader } from '../../../runtime/keeper/frames.js';
import { KEEPER_PROTOCOL_VERSION } from '../../../runtime/keeper/protocol.js';
import { withKeeper } from './harness.js';
import { errorOf, HELLO, rawClient } from './raw-client.js';

const LIMIT = { timeout: 60_000 };

test('who does not say hello first, or speaks another version, is told why and cut off', LIMIT, () =>
  withKeeper(async ({ state, client }) => {
    for (const [first, message] of [
      [{ id: 1, method: 'list', params: {} }, /protocol version undefined/],
      [{ hello: KEEPER_PROTOCOL_VERSION + 1 }, /this keeper speaks version/],
    ] as const) {
      const raw = await rawClient(state);
      raw.send(first);
      const { error } = (await raw.take()) as { error: { code: string; message: string } };
      assert.equal(error.code, 'FAILED_PRECONDITION');
      assert.match(error.message, message);
      assert.equal(await raw.take(), undefined);
    }
    assert.deepEqual(await client.list(), []);
  }),
);

test('one request that fails leaves the connection, what is no request ends it', LIMIT, () =>
  withKeeper(async ({ state }) => {
    const raw = await rawClient(state);
    raw.send(HELLO, { id: 1, method: 'fly', params: {} }, { id: 2, method: 'signal', params: { id: 'x', signal: 9 } });
    assert.equal((await raw.take())?.hello, KEEPER_PROTOCOL_VERSION);
    const codes = [await raw.take(), await raw.take()].map((message) => errorOf(message).code);
    assert.deepEqual(codes.sort(), ['NOT_FOUND', 'UNIMPLEMENTED']);
    raw.send({ cancel: 77 }, { id: 3, method: 'create', params: { id: '../x' } });
    assert.match(String(errorOf(await raw.take()).message), /keeper request: id must be/);
    raw.send({ id: 'four', method: 'list', params: {} });
    assert.equal(errorOf(await raw.take()).code, 'INVALID_ARGUMENT');
    assert.equal(await raw.take(), undefined);
  }),
);

test('requests are answered as they are done, and an exec is ended by a cancel', LIMIT, () =>
  withKeeper(async ({ state }) => {
    const raw = await rawClient(state);
    const exec = {
      argv: ['sh', '-c', 'echo on; exec sleep 60'],
      env: { PATH: '/usr/bin:/bin' },
      pidFile: '',
      timeoutMs: 0,
      maxOutputBytes: 100,
    };
    raw.send(HELLO, { id: 1, method: 'exec', params: exec });
    await raw.take();
    assert.deepEqual(await raw.take(), { id: 1, stdout: Buffer.from('on\n').toString('base64') });
    raw.send({ id: 2, method: 'ping', params: {} });
    assert.equal((await raw.take())?.id, 2);
    raw.send({ cancel: 1 });
    assert.deepEqual(await raw.take(), { id: 1, result: { exitCode: 137, timedOut: false } });
    raw.close();
  }),
);

test('execs whose client reads nothing for a while wait with what they write, and lose none of it', LIMIT, () =>
  withKeeper(async ({ state }) => {
    const socket = net.connect(path.join(state, 'keeper.sock'));
    const bytes = 16 * 1024 * 1024;
    const exec = {
      argv: ['head', '-c', String(bytes), '/dev/zero'],
      env: { PATH: '/usr/bin:/bin' },
      pidFile: '',
      timeoutMs: 0,
      maxOutputBytes: bytes,
    };
    const ids = [1, 2, 3, 4];
    const requests = ids.map((id) => encodeFrame({ id, method: 'exec', params: exec }));
    socket.write(Buffer.concat([encodeFrame(HELLO), ...requests]));
    await sleep(1000);
    const got = new Map(ids.map((id) => [id, 0]));
    const frames = new FrameReader();
    let open = ids.length;
    for await (const data of socket) {
      for (const { id, stdout, result } of frames.push(data)) {
        if (typeof stdout === 'string')
          got.set(Number(id), (got.get(Number(id)) ?? 0) + Buffer.byteLength(stdout, 'base64'));
        if (result !== undefined) open -= 1;
      }
      if (open === 0) break;
    }
    assert.deepEqual(
      [...got.values()],
      ids.map(() => bytes),
    );
  }),
);

test('a keeper that keeps something does not shut down', LIMIT, () =>
  withKeeper(async ({ client, spec, state }) => {
    await client.create(spec('kept', { script: 'exec sleep 60' }));
    const raw = await rawClient(state);
    raw.send(HELLO, { id: 1, method: 'shutdown', params: {} });
    await raw.take();
    assert.match(String(errorOf(await raw.take()).message), /forget them first/);
    raw.close();
  }),
);
