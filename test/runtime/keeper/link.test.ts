import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { encodeFrame, FrameReader } from '../../../runtime/keeper/frames.js';
import { Link } from '../../../runtime/keeper/link.js';
import { KEEPER_PROTOCOL_VERSION, type KeptContainer } from '../../../runtime/keeper/protocol.js';

type Message = Record<string, unknown>;
type Answer = (message: Message, send: (message: unknown) => void, socket: net.Socket) => void;

interface Peer {
  readonly seen: Message[];
  readonly exits: KeptContainer[];
  held: number;
  closed: boolean;
  open(): Promise<Link>;
}

/** What answers as a keeper would, or as none would, which the real one cannot be made to. */
async function withPeer(answer: Answer, check: (peer: Peer) => Promise<void>): Promise<void> {
  // Longer than a socket's path may be.
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-link-'));
  const state = path.join(root, 's'.repeat(120));
  fs.mkdirSync(state);
  const sockets = new Set<net.Socket>();
  const seen: Message[] = [];
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const frames = new FrameReader();
    const send = (message: unknown) => socket.write(encodeFrame(message));
    socket
      .on('error', () => undefined)
      .on('data', (data: Buffer) => {
        for (const message of frames.push(data)) {
          seen.push(message);
          answer(message, send, socket);
        }
      });
  });
  process.chdir(state);
  await new Promise<void>((resolve) => server.listen('keeper.sock', resolve));
  const peer: Peer = {
    seen,
    exits: [],
    held: 0,
    closed: false,
    open: () =>
      Link.open(state, {
        onExit: (container) => peer.exits.push(container),
        onHeld: () => peer.held++,
        onClose: () => {
          peer.closed = true;
        },
      }),
  };
  try {
    await check(peer);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    process.chdir('/');
    fs.rmSync(root, { recursive: true });
  }
}

const hello = { hello: KEEPER_PROTOCOL_VERSION, pid: 42, build: 'of bytes' };
const greeting =
  (answer: Answer): Answer =>
  (message, send, socket) =>
    message.hello === undefined ? answer(message, send, socket) : void send(hello);
const exited = { id: 'c', directory: '/d', pid: 1, startTime: '1', startedAt: '1', logPath: '' };

test('calls are answered by their id in any order, with output on the way and the keeper’s own errors', () =>
  withPeer(
    greeting(({ id, method }, send) => {
      if (method === 'first') return;
      send({ id, started: { pid: 5 } });
      send({ id, stdout: Buffer.from('öut').toString('base64') });
      send({ exit: exited });
      send({ held: true });
      send({ id: 99, result: 'nobody asked' });
      send({ id, error: { code: 'NOT_FOUND', message: 'no such thing' } });
      send({ id: 1, result: 'late' });
    }),
    async (peer) => {
      const link = await peer.open();
      assert.deepEqual([link.pid, link.build], [42, 'of bytes']);
      const told: unknown[] = [];
      const first = link.call('first', {}, { timeoutMs: 0 });
      const second = link.call(
        'second',
        {},
        {
          timeoutMs: 5000,
          onOutput: (name, data) => told.push(name, data.toString()),
          onStarted: (process) => told.push(process),
        },
      );
      await assert.rejects(second, { code: 'NOT_FOUND', message: 'no such thing' });
      assert.equal(await first, 'late');
      assert.deepEqual(told, [{ pid: 5 }, 'stdout', 'öut']);
      assert.deepEqual(
        peer.exits.map(({ id }) => id),
        ['c'],
      );
      assert.equal(peer.held, 1);
      link.close();
    },
  ));

test('a call that takes too long, or is not wanted any more, is cancelled there and fails here', () =>
  withPeer(
    greeting((message, send) => {
      if (message.cancel === 3) send({ id: 3, result: 'over' });
    }),
    async (peer) => {
      const link = await peer.open();
      await assert.rejects(link.call('slow', {}, { timeoutMs: 5 }), {
        code: 'DEADLINE_EXCEEDED',
        message: /slow within 5 ms/,
      });
      const abort = new AbortController();
      const unwanted = link.call('unwanted', {}, { timeoutMs: 0, signal: abort.signal });
      const lingering = link.call('lingering', {}, { timeoutMs: 0, signal: abort.signal, lingerMs: 60_000 });
      abort.abort();
      await assert.rejects(unwanted, { code: 'CANCELLED' });
      await assert.rejects(lingering, { code: 'CANCELLED' }, 'as soon as the keeper is done with it');
      await assert.rejects(link.call('late', {}, { timeoutMs: 0, signal: abort.signal }), { code: 'CANCELLED' });
      assert.deepEqual(
        peer.seen.flatMap(({ cancel }) => cancel ?? []),
        [1, 2, 3],
      );
      link.close();
    },
  ));

test('when the connection ends, what is open fails with UNAVAILABLE, and so does what comes after', () =>
  withPeer(
    greeting((_, __, socket) => void socket.destroy()),
    async (peer) => {
      const link = await peer.open();
      await assert.rejects(link.call('signal', { id: 'c1' }, { timeoutMs: 0 }), {
        code: 'UNAVAILABLE',
        message: /^signal c1: .*outcome is not known/,
      });
      assert.deepEqual([link.isOpen, peer.closed], [false, true]);
      await assert.rejects(link.call('x', {}, { timeoutMs: 0 }), { code: 'UNAVAILABLE' });
    },
  ));

test('a peer that speaks another version, hangs up or is no keeper is told apart', async () => {
  const refusal = {
    error: { code: 'FAILED_PRECONDITION', message: 'protocol version 1: this keeper speaks version 9' },
  };
  for (const [answer, expected] of [
    [
      (_: Message, send: (message: unknown) => void) => send(refusal),
      { code: 'FAILED_PRECONDITION', message: /version 9/ },
    ],
    [
      (_: Message, __: unknown, socket: net.Socket) => void socket.end(),
      { code: 'UNAVAILABLE', message: /before it said hello/ },
    ],
    [
      (_: Message, __: unknown, socket: net.Socket) => void socket.write('HTTP/1.1 400 Bad Request'),
      { code: 'UNAVAILABLE' },
    ],
  ] as const) {
    await withPeer(answer as Answer, (peer) => assert.rejects(peer.open(), expected));
  }
  const nothing = () => undefined;
  const nobody = Link.open('/does/not/exist', { onExit: nothing, onHeld: nothing, onClose: nothing });
  await assert.rejects(nobody, { code: 'UNAVAILABLE', message: /\/does\/not\/exist\/keeper\.sock/ });
});
