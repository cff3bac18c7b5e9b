import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startStreamingServer } from '../../../cri/streaming/server.js';
import { recordingLog } from '../../support/log.js';
import { processSessions } from '../../support/process-sessions.js';
import {
  everything,
  execRequest,
  openCommand,
  spdyHeaders,
  spdyOver,
  startStreaming,
  upgrade,
} from '../../support/streaming.js';
import { until } from '../../support/until.js';

let streaming: Awaited<ReturnType<typeof startStreaming>>;
before(async () => {
  streaming = await startStreaming();
});
after(() => streaming.stop());

const V4 = spdyHeaders('v4.channel.k8s.io');

test('a URL is on loopback with a token for its kind, which is good once', async () => {
  const url = streaming.server.urlFor(execRequest(['true']));
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]{32}$/);
  assert.equal((await upgrade(url.replace('/exec/', '/attach/'), V4)).status, 404);
  assert.equal((await upgrade(url, V4)).status, 404, 'the wrong path has used it up');
});

test('unknown tokens, paths and methods are not found', async () => {
  const { url } = streaming.server;
  for (const where of ['/exec/abc', '/', '/exec/', '/exec/a/b', '/version', '/exec/%00']) {
    assert.equal((await upgrade(url + where, V4)).status, 404, where);
    assert.equal((await fetch(url + where)).status, 404, where);
  }
  assert.equal((await upgrade(streaming.server.urlFor(execRequest(['true'])), V4, 'PUT')).status, 404);
});

test('without an upgrade the answer says what is missing', async () => {
  const answer = await fetch(streaming.server.urlFor(execRequest(['true'])));
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /SPDY\/3\.1 or WebSocket/);
});

test('GET and POST are served', async () => {
  for (const method of ['GET', 'POST']) {
    const { socket } = await upgrade(streaming.server.urlFor(execRequest(['echo', method])), V4, method);
    assert.ok(socket !== undefined);
    const streams = await openCommand(spdyOver(socket), 'stdout', 'stderr');
    assert.equal(await everything(streams.get('stdout')), `${method}\n`);
  }
});

test('closing the server ends sessions and their processes', async () => {
  const own = await startStreaming();
  const { socket } = await upgrade(own.server.urlFor(execRequest(['sleep', '1000'])), V4);
  assert.ok(socket !== undefined);
  const connection = spdyOver(socket);
  await openCommand(connection, 'stdout', 'stderr');
  await until(() => own.sessions.running() === 1, 'the process runs');
  await own.stop();
  await until(() => own.sessions.running() === 0 && connection.signal.aborted, 'all is over');
});

test('a port that is taken is told with what to do', async () => {
  const { log } = recordingLog();
  const address = new URL(streaming.server.url).host;
  const second = startStreamingServer({ address, tls: undefined, sessions: processSessions(), log });
  await assert.rejects(second, { code: 'FAILED_PRECONDITION', message: /--streaming-address/ });
});

test('TLS: https URLs, served with the certificate that was given', async () => {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-tls-'));
  const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const subject = ['-subj', '/CN=crib', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  await promisify(execFile)('openssl', [...args, '-keyout', keyFile, '-out', certFile, ...subject]);
  const { log } = recordingLog();
  const parts = { address: '127.0.0.1:0', sessions: processSessions(), log };
  const server = await startStreamingServer({ ...parts, tls: { certFile, keyFile } });
  try {
    const url = server.urlFor(execRequest(['true']));
    assert.match(url, /^https:\/\/127\.0\.0\.1:/);
    const ca = await fs.readFile(certFile);
    const status = await new Promise((resolve, reject) => {
      https.get(url, { ca, agent: false }, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    assert.equal(status, 400);
  } finally {
    await server.close();
    await fs.rm(directory, { recursive: true });
  }
  await assert.rejects(startStreamingServer({ ...parts, tls: { certFile, keyFile } }), { code: 'INVALID_ARGUMENT' });
});
