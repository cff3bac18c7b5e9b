import assert from 'node:assert/strict';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import { readBody } from '../../../../runtime/images/registry/body.js';
import type { Endpoint } from '../../../../runtime/images/registry/endpoint.js';
import type { Exchange, Question } from '../../../../runtime/images/registry/exchange.js';
import type { Handler } from './faulty-server.js';
import { endpointAt, exchangeWith, fails, live, NO_TRUST, selfSigned, serve, temporary } from './parts.js';

const ME = { kind: 'basic', username: 'me', password: 'pw' } as const;
const BASIC = `Basic ${Buffer.from('me:pw').toString('base64')}`;
const QUESTION: Question = { path: '/team/app/blobs/x', verified: true };

async function ask(exchange: Exchange, endpoint: Endpoint, question: Partial<Question> = {}): Promise<string> {
  const { response, status } = await exchange.ask(endpoint, { ...QUESTION, ...question }, live());
  return `${status} ${await readBody('GET', response, 1000, 1000)}`;
}

const redirectTo =
  (location: string, status = 307): Handler =>
  (_, response) =>
    void response.writeHead(status, { location }).end('moved');

/** Wants to know who asks, then does as `handler` says. */
const guarded =
  (handler: Handler): Handler =>
  (request, response, count) => {
    if (request.headers.authorization === BASIC) handler(request, response, count);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  };

test('neither Authorization nor the configured headers follow a redirect to another host', async (t) => {
  const storage = await serve(t, (_, response) => void response.end('blob'));
  const server = await serve(t, guarded(redirectTo(`http://user:pw@${storage.host}/blob?sig=secret`)));
  const endpoint = endpointAt(`http://${server.host}`, { headers: { 'X-Mirror': ['a', 'b'] } });
  assert.equal(await ask(exchangeWith(ME), endpoint, { from: 7 }), '200 blob');
  assert.deepEqual([server.seen[1]?.headers.authorization, server.seen[1]?.headers['x-mirror']], [BASIC, 'a, b']);
  const [seen] = storage.seen;
  assert.equal(seen?.url, '/blob?sig=secret');
  assert.deepEqual([seen?.headers.authorization, seen?.headers['x-mirror']], [undefined, undefined]);
  assert.equal(seen?.headers.range, 'bytes=7-', 'what was asked for does follow');
});

test('every kind of redirect is followed, back to the registry with its Authorization', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await serve(
      t,
      guarded((request, response, count) => {
        if (request.url === '/end') response.end('here');
        else redirectTo('/end', status)(request, response, count);
      }),
    );
    assert.equal(await ask(exchangeWith(ME), endpointAt(`http://${server.host}`)), '200 here', String(status));
    assert.equal(server.seen.at(-1)?.headers.authorization, BASIC);
  }
});

test('endless and hostile redirects end', async (t) => {
  const loop = await serve(t, (request, response, count) => redirectTo(request.url ?? '')(request, response, count));
  const exchange = exchangeWith();
  await assert.rejects(
    ask(exchange, endpointAt(`http://${loop.host}`)),
    fails('UNAVAILABLE', /more than 10 redirects/),
  );
  assert.equal(loop.seen.length, 11);
  for (const location of ['file:///etc/passwd', 'ftp://x/', 'http://[', 'javascript:1']) {
    const hostile = await serve(t, redirectTo(location));
    await assert.rejects(
      ask(exchange, endpointAt(`http://${hostile.host}`)),
      fails('UNAVAILABLE', /no http/),
      location,
    );
  }
  const nowhere = await serve(t, (_, response) => void response.writeHead(302).end());
  await assert.rejects(ask(exchange, endpointAt(`http://${nowhere.host}`)), fails('UNKNOWN', /HTTP status 302/));
});

test('what no digest proves does not leave TLS for a redirect', async (t) => {
  const { key, certificate } = await selfSigned(await temporary(t));
  let location = 'http://storage.test/manifest?sig=secret';
  const server = https.createServer({ key, cert: certificate }, (_, response) => {
    response.writeHead(307, { location }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = endpointAt(origin, { trust: { ...NO_TRUST, authorities: [certificate] } });
  await assert.rejects(ask(exchangeWith(), endpoint, { verified: false }), (error: unknown) => {
    assert.ok(error instanceof CribError && !error.message.includes('secret'));
    return fails('FAILED_PRECONDITION', /from HTTPS to http:\/\/storage.test\/manifest; refused/)(error);
  });
  const plain = await serve(t, (_, response) => void response.end('plain'));
  location = `http://${plain.host}/`;
  assert.equal(await ask(exchangeWith(), endpoint), '200 plain');
});

test('a 401 or 403 of the storage is not the registry’s: the next attempt gets another signature', async (t) => {
  for (const status of [401, 403]) {
    const storage = await serve(t, (_, response) => {
      response.writeHead(status, { 'www-authenticate': 'Basic realm="phish"', 'content-type': 'text/plain' });
      response.end('Request has expired');
    });
    const server = await serve(t, redirectTo(`http://${storage.host}/blob`));
    await assert.rejects(ask(exchangeWith(ME), endpointAt(`http://${server.host}`)), (error: unknown) => {
      assert.ok(error instanceof Error && 'retryable' in error && error.retryable === true);
      return fails('UNAVAILABLE', /the storage that .* redirects to, Request has expired$/)(error);
    });
    assert.equal(storage.seen.length, 1);
    assert.equal(storage.seen[0]?.headers.authorization, undefined);
  }
});

test('a 401 without a challenge that we can answer keeps the registry’s own words', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Negotiate', 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"UNAUTHORIZED","message":"ask the administrator"}]}');
  });
  const refused = fails('UNAUTHENTICATED', /UNAUTHORIZED: ask the administrator/);
  await assert.rejects(ask(exchangeWith(ME), endpointAt(`http://${server.host}`)), refused);
  assert.equal(server.seen.length, 1);
});

test('a 416 answers only a question for a range', async (t) => {
  const server = await serve(t, (_, response) => void response.writeHead(416).end());
  const endpoint = endpointAt(`http://${server.host}`);
  assert.equal(await ask(exchangeWith(), endpoint, { from: 1 }), '416 ');
  await assert.rejects(ask(exchangeWith(), endpoint, { from: 0 }), fails('UNKNOWN', /HTTP status 416/));
  assert.equal(server.seen[1]?.headers.range, undefined);
});

test('a mirror is told which registry is meant, and what is wanted', async (t) => {
  const server = await serve(t, (_, response) => void response.end());
  const mirror = endpointAt(`http://${server.host}`, { apiPath: '/proxy/v2', namespace: 'registry.example:5000' });
  await ask(exchangeWith(), mirror, { accept: ['a/b', 'c/d'] });
  assert.equal(server.seen[0]?.url, '/proxy/v2/team/app/blobs/x?ns=registry.example%3A5000');
  assert.equal(server.seen[0]?.headers.accept, 'a/b, c/d');
});
