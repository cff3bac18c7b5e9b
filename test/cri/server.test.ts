/** The gRPC server alone: bytes that no gRPC library sends, handlers that fail, answers that are too large. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import http2 from 'node:http2';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '../../cri/call.js';
import { type CriClient, connect } from '../../cri/client.js';
import { type RunningServer, type Services, startServer } from '../../cri/server.js';
import { CribError } from '../../runtime/errors.js';
import { recordingLog } from '../support/log.js';

const VERSION = '/runtime.v1.RuntimeService/Version';
const { log, lines } = recordingLog();
let directory: string;
let socket: string;
let server: RunningServer;
let cri: CriClient;
/** What the handler of Status does; the others answer nothing but Version. */
let onStatus: (signal: AbortSignal) => Promise<object> = async () => ({});

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-server-'));
  socket = path.join(directory, 'crib.sock');
  const handlers: Record<string, unknown> = {
    version: async () => ({ runtimeName: 'crib' }),
    status: (_request: object, { signal }: { signal: AbortSignal }) => onStatus(signal),
  };
  server = await startServer({
    listen: socket,
    services: { runtime: handlers, images: {} } as unknown as Services,
    log,
  });
  cri = connect(socket);
});

after(async () => {
  cri.close();
  await server.close(100);
  await fs.rm(directory, { recursive: true });
});

interface Answer {
  readonly http: number | undefined;
  /** gRPC status; undefined where the connection just ended. */
  readonly code: string | undefined;
  readonly message: string;
}

/** One HTTP/2 request with these bytes as its body. */
function post(body: Buffer, headers: http2.OutgoingHttpHeaders = {}): Promise<Answer> {
  const session = http2.connect('http://localhost', { createConnection: () => net.connect(socket) });
  return new Promise<Answer>((resolve, reject) => {
    session.on('error', reject);
    const usual = { ':method': 'POST', ':path': VERSION, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...usual, ...headers });
    let seen: http2.IncomingHttpHeaders & { ':status'?: number } = {};
    const note = (more: http2.IncomingHttpHeaders) => {
      seen = { ...seen, ...more };
    };
    stream
      .on('response', note)
      .on('trailers', note)
      .on('error', () => undefined)
      .resume();
    stream.on('close', () => {
      const code = seen['grpc-status'];
      const message = decodeURIComponent(String(seen['grpc-message'] ?? ''));
      resolve({ http: seen[':status'], code: code === undefined ? undefined : status[Number(code)], message });
    });
    stream.setTimeout(10_000, () => reject(new Error('no answer in ten seconds')));
    stream.end(body);
  }).finally(() => session.destroy());
}

/** A gRPC frame: flag, length, message (gRPC over HTTP2, "Length-Prefixed-Message"). */
function frame(message: Buffer, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

const EMPTY = Buffer.alloc(0);
const BOMB = zlib.gzipSync(Buffer.alloc(4 * MAX_MESSAGE_BYTES));

/** The codes are grpc-js' own. */
const FRAMES: readonly (readonly [what: string, body: Buffer, headers: http2.OutgoingHttpHeaders, code: string])[] = [
  ['no message', EMPTY, {}, 'UNIMPLEMENTED'],
  ['a frame cut off in its head', Buffer.from([0, 0]), {}, 'UNIMPLEMENTED'],
  ['a frame that announces more than there is', frame(Buffer.from([1]), 0, 100), {}, 'UNIMPLEMENTED'],
  ['a frame of 4 GiB', frame(Buffer.from([1]), 0, 0xffff_ffff), {}, 'RESOURCE_EXHAUSTED'],
  ['two messages', Buffer.concat([frame(EMPTY), frame(EMPTY)]), {}, 'UNIMPLEMENTED'],
  ['a compression that is not there', frame(EMPTY, 1), { 'grpc-encoding': 'lzma' }, 'UNIMPLEMENTED'],
  ['what is said to be gzip and is not', frame(Buffer.from('no'), 1), { 'grpc-encoding': 'gzip' }, 'INTERNAL'],
  ['64 MiB in 64 KiB of gzip', frame(BOMB, 1), { 'grpc-encoding': 'gzip' }, 'RESOURCE_EXHAUSTED'],
  ['a call that there is not', frame(EMPTY), { ':path': '/runtime.v1.RuntimeService/No' }, 'UNIMPLEMENTED'],
  ['a service that there is not', frame(EMPTY), { ':path': '/../../etc/passwd' }, 'UNIMPLEMENTED'],
  ['a deadline that is none', frame(EMPTY), { 'grpc-timeout': 'soon' }, 'INTERNAL'],
];

describe('the server', () => {
  for (const [what, body, headers, code] of FRAMES) {
    it(`answers ${what} with a status, and goes on`, async () => {
      const answer = await post(body, headers);
      assert.equal(answer.code, code, answer.message);
      assert.equal((await cri.runtime.version({})).runtimeName, 'crib');
    });
  }

  it('takes a deadline of more than 24 days for none, and keeps a nearer one', async () => {
    const path = '/runtime.v1.RuntimeService/Status';
    onStatus = async (signal) => sleep(100, {}, { signal });
    for (const far of ['2592000S', '99999999H', '600H']) {
      assert.equal((await post(frame(EMPTY), { ':path': path, 'grpc-timeout': far })).code, 'OK', far);
    }
    assert.equal((await post(frame(EMPTY), { ':path': path, 'grpc-timeout': '20m' })).code, 'DEADLINE_EXCEEDED');
    await cri.runtime.status({}, { timeoutMs: 365 * 86_400_000 });
    onStatus = async () => ({});
  });

  it('is not disturbed by what is no HTTP/2', async () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(100_000, 0xff), EMPTY]) {
      await new Promise<void>((resolve) => {
        const client = net.connect(socket, () => client.end(bytes));
        client
          .on('error', () => undefined)
          .on('close', () => resolve())
          .resume();
      });
    }
    assert.equal((await post(frame(EMPTY), { 'content-type': 'text/html' })).http, 415);
    assert.equal((await cri.runtime.version({})).runtimeName, 'crib');
  });

  it('passes the code and message of a CribError on, cut to what fits a header', async () => {
    onStatus = async () => {
      throw new CribError('NOT_FOUND', `there is no ${'x'.repeat(100_000)} \ud800`);
    };
    await assert.rejects(cri.runtime.status({}), (error: CribError) => {
      return error.code === 'NOT_FOUND' && error.message.startsWith('there is no xxx') && error.message.length < 5000;
    });
  });

  it('answers INTERNAL for what is a fault of crib, and logs where it happened', async () => {
    onStatus = async () => {
      throw new TypeError('a bug');
    };
    await assert.rejects(cri.runtime.status({}), { code: 'INTERNAL', message: 'a bug' });
    const logged = lines.filter(({ level }) => level === 'error').at(-1);
    assert.match(String(logged?.fields.stack), /TypeError: a bug\n.*server\.test/s);
  });

  it('answers RESOURCE_EXHAUSTED for an answer that no client would take', async () => {
    onStatus = async () => ({ info: { a: 'x'.repeat(MAX_MESSAGE_BYTES) } });
    await assert.rejects(cri.runtime.status({}), { code: 'RESOURCE_EXHAUSTED', message: /narrow the filter/ });
  });

  it('tells a handler when its caller goes away', async () => {
    const caller = new AbortController();
    const told = new Promise<unknown>((resolve) => {
      onStatus = async (signal) => {
        signal.addEventListener('abort', () => resolve(signal.reason));
        caller.abort();
        await new Promise((never) => setTimeout(never, 2000));
        return {};
      };
    });
    await assert.rejects(cri.runtime.status({}, { signal: caller.signal }), { code: 'CANCELLED' });
    assert.ok((await told) instanceof CribError);
  });
});
