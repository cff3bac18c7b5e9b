import assert from 'node:assert/strict';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import { readBody } from '../../../../runtime/images/registry/body.js';
import { describe, type Transport } from '../../../../runtime/images/registry/transport.js';
import { fails, live, NO_TRUST, selfSigned, serve, temporary, transportWith } from './parts.js';

const GET = { method: 'GET', headers: {} } as const;

async function get(transport: Transport, url: string, signal = live()): Promise<string> {
  const response = await transport.request(new URL(url), NO_TRUST, GET, signal);
  return String(await readBody('GET', response, 1000, 1000));
}

/** A server that answers each connection with `answer`, whatever it is asked. */
async function rawServer(t: TestContext, answer: (socket: net.Socket) => void): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('one connection serves one question after the other, and bodies come as they are stored', async (t) => {
  const ports = new Set<number | undefined>();
  const server = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end('body');
  });
  const transport = transportWith();
  for (let i = 0; i < 3; i++) assert.equal(await get(transport, `http://${server.host}/`), 'body');
  assert.equal(ports.size, 1);
  assert.equal(server.seen[0]?.headers['accept-encoding'], 'identity');
  assert.equal(server.seen[0]?.headers['user-agent'], 'crib/test');
});

test('waiting for one of the session’s sockets does not count against the time limits', async (t) => {
  let [open, most] = [0, 0];
  const server = await serve(t, (_, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end();
    }, 60);
  });
  const transport = transportWith({ answerMs: 500, connectMs: 100 });
  // Four turns of six: the last waits for 180 ms before it has a socket.
  await Promise.all(Array.from({ length: 24 }, () => get(transport, `http://${server.host}/`)));
  assert.equal(most, 6);
});

test('a server that takes the question and says nothing is given up on', async (t) => {
  const silent = await rawServer(t, () => undefined);
  const error = await get(transportWith({ answerMs: 50 }), silent).catch((reason: unknown) => reason);
  fails('UNAVAILABLE', /no answer in 50 ms/)(error);
  assert.ok(error instanceof CribError && 'retryable' in error && error.retryable === true);
});

test('one that switches protocols unasked is refused, not waited for', async (t) => {
  const url = await rawServer(t, (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nhello'),
  );
  await assert.rejects(get(transportWith(), url, AbortSignal.timeout(2000)), fails('UNAVAILABLE', /GET http/));
});

test('what is no HTTP, a closed port, and a hang-up are failures that may pass', async (t) => {
  const transport = transportWith();
  const garbage = await rawServer(t, (socket) => socket.end('SSH-2.0-x\r\n'));
  await assert.rejects(get(transport, garbage), fails('UNAVAILABLE', /GET http:\/\/127/));
  const hangUp = await rawServer(t, (socket) => socket.destroy());
  await assert.rejects(get(transport, hangUp), fails('UNAVAILABLE', /GET http/));
  await assert.rejects(get(transport, 'http://127.0.0.1:1/'), fails('UNAVAILABLE', /ECONNREFUSED/));
});

test('the caller’s own reason is the error, before the question and after', async (t) => {
  const silent = await rawServer(t, () => undefined);
  const transport = transportWith();
  await assert.rejects(get(transport, silent, AbortSignal.abort()), fails('CANCELLED', /caller went away/));
  const abort = new AbortController();
  setTimeout(() => abort.abort(new CribError('DEADLINE_EXCEEDED', 'no progress')), 20);
  await assert.rejects(get(transport, silent, abort.signal), fails('DEADLINE_EXCEEDED', /no progress/));
});

test('plain HTTP goes to the proxy with the whole address and the proxy’s own credentials', async (t) => {
  const proxy = await serve(t, (_, response) => void response.end('by proxy'));
  const transport = transportWith({}, { HTTP_PROXY: `http://me:p%40w@${proxy.host}` });
  assert.equal(await get(transport, 'http://registry.test:5000/v2/?a=b'), 'by proxy');
  const [seen] = proxy.seen;
  assert.equal(seen?.url, 'http://registry.test:5000/v2/?a=b');
  assert.equal(seen?.headers.host, 'registry.test:5000');
  assert.equal(seen?.headers['proxy-authorization'], `Basic ${Buffer.from('me:p@w').toString('base64')}`);
});

test('HTTPS is verified unless that is switched off, and is not spoken to a plain server', async (t) => {
  const { key, certificate } = await selfSigned(await temporary(t));
  const server = https.createServer({ key, cert: certificate }, (_, response) => response.end('secret'));
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const transport = transportWith();
  const ask = async (trust: typeof NO_TRUST): Promise<string> =>
    String(await readBody('GET', await transport.request(url, trust, GET, live()), 1000, 1000));
  await assert.rejects(ask(NO_TRUST), fails('FAILED_PRECONDITION', /not trusted/));
  assert.equal(await ask({ ...NO_TRUST, skipVerify: true }), 'secret');
  assert.equal(await ask({ ...NO_TRUST, authorities: [certificate] }), 'secret');
  // Who was trusted for one registry is not for the next.
  await assert.rejects(ask({ ...NO_TRUST }), fails('FAILED_PRECONDITION', /not trusted/));

  const plain = await serve(t, (_, response) => void response.end());
  await assert.rejects(get(transport, `https://${plain.host}/`), fails('FAILED_PRECONDITION', /does not speak TLS/));
});

test('messages do not tell the signature of an address', () => {
  const url = new URL('https://storage.example:8443/blob?X-Amz-Signature=secret#x');
  assert.equal(describe(url), 'https://storage.example:8443/blob');
});
