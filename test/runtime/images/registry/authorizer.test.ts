import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import type { Credentials } from '../../../../runtime/images/registry/credentials.js';
import type { Handler } from './faulty-server.js';
import { authorizerWith, endpointAt, fails, live, serve } from './parts.js';

const ME: Credentials = { kind: 'basic', username: 'me', password: 'pw' };
const BASIC = `Basic ${Buffer.from('me:pw').toString('base64')}`;

/** Gives out token-1, token-2 and so on, each after `delayMs`. */
const issuer =
  (fields: object = {}, delayMs = 0): Handler =>
  (_, response, count) =>
    void setTimeout(() => response.end(JSON.stringify({ token: `token-${count}`, ...fields })), delayMs);

const bearer = (host: string): string => `Bearer realm="http://${host}/token",service="s"`;

test('requests that are refused at the same time share one token, which the next ones send at once', async (t) => {
  const server = await serve(t, issuer({}, 20));
  const endpoint = endpointAt(`http://${server.host}`);
  let asked = 0;
  const authorizer = authorizerWith(async () => {
    asked++;
    return ME;
  });
  assert.equal(authorizer.header(endpoint), undefined);
  const answers = Array.from({ length: 5 }, () => authorizer.answer(endpoint, bearer(server.host), undefined, live()));
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['Bearer token-1']));
  assert.deepEqual([asked, server.seen.length], [1, 1]);
  assert.equal(authorizer.header(endpoint), 'Bearer token-1');
  assert.equal(await authorizer.answer(endpoint, bearer(server.host), undefined, live()), 'Bearer token-1');
  assert.equal(server.seen.length, 1);
});

test('a token that was refused is replaced, once for all that had it', async (t) => {
  const server = await serve(t, issuer());
  const endpoint = endpointAt(`http://${server.host}`);
  const authorizer = authorizerWith();
  const first = await authorizer.answer(endpoint, bearer(server.host), undefined, live());
  const again = () => authorizer.answer(endpoint, bearer(server.host), first, live());
  assert.deepEqual(await Promise.all([again(), again()]), ['Bearer token-2', 'Bearer token-2']);
  assert.equal(await again(), 'Bearer token-2', 'who was late with the old one');
  assert.equal(server.seen.length, 2);
});

test('a token is not sent when it has expired', async (t) => {
  const server = await serve(t, issuer({ expires_in: 60 }));
  const endpoint = endpointAt(`http://${server.host}`);
  const authorizer = authorizerWith();
  await authorizer.answer(endpoint, bearer(server.host), undefined, live());
  const now = performance.now();
  const clock = t.mock.method(performance, 'now', () => now + 50_000);
  assert.equal(authorizer.header(endpoint), 'Bearer token-1');
  clock.mock.mockImplementation(() => now + 56_000);
  assert.equal(authorizer.header(endpoint), undefined, 'it would not arrive in its time');
});

test('credentials that were refused are not sent again and again', async () => {
  const endpoint = endpointAt('http://registry.test');
  const basic = authorizerWith(async () => ME);
  assert.equal(await basic.answer(endpoint, 'Basic realm="x"', undefined, live()), BASIC);
  assert.equal(await basic.answer(endpoint, 'Basic realm="x"', BASIC, live()), undefined);
  const token = authorizerWith(async () => ({ kind: 'registry', token: 'given' }));
  const challenge = 'Bearer realm="http://registry.test/token"';
  assert.equal(await token.answer(endpoint, challenge, undefined, live()), 'Bearer given');
  assert.equal(await token.answer(endpoint, challenge, 'Bearer given', live()), undefined);
});

test('who we are is not looked up where no answer could use it', async () => {
  const authorizer = authorizerWith(() => assert.fail('a helper may cost seconds'));
  const endpoint = endpointAt('http://registry.test');
  for (const challenge of ['', 'Negotiate', 'Digest realm="x"']) {
    assert.equal(await authorizer.answer(endpoint, challenge, undefined, live()), undefined, challenge);
  }
});

test('a Basic challenge gets a password, never a token; Bearer goes first wherever it stands', async (t) => {
  const server = await serve(t, issuer());
  const endpoint = endpointAt(`http://${server.host}`);
  const both = `Basic realm="x", ${bearer(server.host)}`;
  assert.equal(await authorizerWith(async () => ME).answer(endpoint, both, undefined, live()), 'Bearer token-1');
  for (const kind of ['identity', 'registry'] as const) {
    const authorizer = authorizerWith(async () => ({ kind, token: 'secret' }));
    assert.equal(await authorizer.answer(endpoint, 'Basic realm="x"', undefined, live()), undefined, kind);
  }
});

test('one who goes away does not take the others’ token along', async (t) => {
  const abort = new AbortController();
  const server = await serve(t, (request, response, count) => {
    if (count === 1) abort.abort();
    else issuer()(request, response, count);
  });
  const endpoint = endpointAt(`http://${server.host}`);
  const authorizer = authorizerWith();
  const first = authorizer.answer(endpoint, bearer(server.host), undefined, abort.signal);
  const others = [1, 2, 3].map(() => authorizer.answer(endpoint, bearer(server.host), undefined, live()));
  await assert.rejects(first, fails('CANCELLED', /caller went away/));
  assert.deepEqual(new Set(await Promise.all(others)), new Set(['Bearer token-2']), 'the others share theirs again');
});

test('a failure of the token server is everybody’s, and the next one asks anew', async (t) => {
  const server = await serve(t, (request, response, count) => {
    if (count === 1) response.writeHead(503).end();
    else issuer()(request, response, count);
  });
  const endpoint = endpointAt(`http://${server.host}`);
  const authorizer = authorizerWith();
  const ask = () => authorizer.answer(endpoint, bearer(server.host), undefined, live());
  const both = await Promise.allSettled([ask(), ask()]);
  for (const outcome of both) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof CribError);
    assert.equal(outcome.reason.code, 'UNAVAILABLE');
  }
  assert.equal(await ask(), 'Bearer token-2');
});

test('endpoints do not share what they were given', async (t) => {
  const server = await serve(t, issuer());
  const [one, two] = [endpointAt(`http://${server.host}`), endpointAt(`http://${server.host}`, { upstream: false })];
  const authorizer = authorizerWith();
  await authorizer.answer(one, bearer(server.host), undefined, live());
  assert.equal(authorizer.header(two), undefined);
});
