/** Connecting to a streaming server: plain, by a certificate of its own, and what a user reads where it fails. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { dialSpdy } from '../../../../cri/cli/streaming/spdy-dial.js';
import { startStreamingServer } from '../../../../cri/streaming/server.js';
import { command } from '../../../support/command.js';
import { recordingLog } from '../../../support/log.js';
import { processSessions } from '../../../support/process-sessions.js';
import { execRequest, startStreaming } from '../../../support/streaming.js';

const V4 = 'v4.channel.k8s.io';
let directory = '';

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-dial-'));
});

after(() => fs.rm(directory, { recursive: true, force: true }));

/** The files of a certificate for a name that is not the server's address. */
async function certificate(name: string): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = ['crt', 'key'].map((end) => path.join(directory, `${name}.${end}`));
  assert.ok(certFile !== undefined && keyFile !== undefined);
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-days', '1'];
  await command('openssl', [...words, '-out', certFile, '-keyout', keyFile]);
  return { certFile, keyFile };
}

test('a refusal says what the server said, and shows no token', async () => {
  const { server, stop } = await startStreaming();
  const url = server.urlFor(execRequest(['true']));
  (await dialSpdy(url, V4, '')).destroy();
  await assert.rejects(dialSpdy(url, V4, ''), (error: Error) => {
    assert.match(error.message, /streaming server at 127\.0\.0\.1:\d+: it answered 404: no such token/);
    assert.ok(!error.message.includes(url.split('/').at(-1) ?? ''));
    return true;
  });
  await stop();
});

test('nobody there; somebody who hangs up', async () => {
  const server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/exec/x`;
  await assert.rejects(dialSpdy(url, V4, ''), { code: 'UNAVAILABLE' });
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(dialSpdy(url, V4, ''), /ECONNREFUSED/);
});

test('TLS: the certificate that the configuration names, whoever signed it, and no other', async () => {
  const [own, other] = await Promise.all([certificate('own'), certificate('other')]);
  const parts = { sessions: processSessions(), log: recordingLog().log };
  const server = await startStreamingServer({ address: '127.0.0.1:0', tls: own, ...parts });
  try {
    const url = () => server.urlFor(execRequest(['true']));
    (await dialSpdy(url(), V4, own.certFile)).destroy();
    await assert.rejects(dialSpdy(url(), V4, other.certFile), /certificate is not the one in .*other\.crt/);
    await assert.rejects(dialSpdy(url(), V4, ''), /self-signed certificate/);
    await assert.rejects(dialSpdy(url(), V4, '/nowhere'), /ENOENT.*\/nowhere/);
  } finally {
    await server.close();
  }
});
