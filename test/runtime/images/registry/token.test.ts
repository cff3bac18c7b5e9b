import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Credentials } from '../../../../runtime/images/registry/credentials.js';
import type { Endpoint } from '../../../../runtime/images/registry/endpoint.js';
import { basicHeader, fetchToken, type Token, type TokenRequest } from '../../../../runtime/images/registry/token.js';
import type { FaultyServer, Handler } from './faulty-server.js';
import { endpointAt, fails, live, serve, transportWith } from './parts.js';

const SCOPE = 'repository:team/app:pull';
const ME: Credentials = { kind: 'basic', username: 'jürgen', password: 'pä:ss' };
const REFRESH: Credentials = { kind: 'identity', token: 'refresh&token' };

function fetchFrom(
  endpoint: Endpoint,
  wanted: Partial<TokenRequest> & { realm: string },
  credentials?: Credentials,
): Promise<Token> {
  const request = { service: undefined, scope: SCOPE, ...wanted };
  return fetchToken(transportWith(), endpoint, request, credentials, 1000, live());
}

const answering =
  (body: string, status = 200): Handler =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(body);

async function issuer(t: TestContext, handler: Handler): Promise<{ server: FaultyServer; get: Fetch }> {
  const server = await serve(t, handler);
  const endpoint = endpointAt(`http://${server.host}`);
  return {
    server,
    get: (credentials, realm = `http://${server.host}/token`) => fetchFrom(endpoint, { realm }, credentials),
  };
}

type Fetch = (credentials?: Credentials, realm?: string) => Promise<Token>;

test('the question is added to what the realm has of its own, without its user information', async (t) => {
  const server = await serve(t, answering('{"token":"t"}'));
  const realm = `http://someone:else@${server.host}/jwt/auth?a=b`;
  await fetchFrom(endpointAt('http://registry.test'), { realm, service: 'my registry' }, ME);
  const [seen] = server.seen;
  const url = new URL(seen?.url ?? '', 'http://x');
  assert.equal(url.pathname, '/jwt/auth');
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    a: 'b',
    service: 'my registry',
    scope: SCOPE,
    account: 'jürgen',
  });
  assert.equal(seen?.headers.authorization, basicHeader({ username: 'jürgen', password: 'pä:ss' }));
});

test('a password is sent in UTF-8 (RFC 7617)', () => {
  assert.equal(basicHeader({ username: 'test', password: '123£' }), 'Basic dGVzdDoxMjPCow==');
});

test('a refresh token goes in the body, never in the address', async (t) => {
  let form = '';
  const { server, get } = await issuer(t, (request, response) => {
    request.on('data', (chunk: Buffer) => {
      form += chunk.toString();
    });
    request.on('end', () => response.end('{"access_token":"t"}'));
  });
  assert.equal((await get(REFRESH)).value, 't');
  assert.deepEqual([server.seen[0]?.method, server.seen[0]?.url], ['POST', '/token']);
  const fields = Object.fromEntries(new URLSearchParams(form));
  assert.equal(fields.refresh_token, 'refresh&token');
  assert.deepEqual([fields.grant_type, fields.scope], ['refresh_token', SCOPE]);
  assert.equal(server.seen[0]?.headers.authorization, undefined);
});

test('a token is believed for a minute at least and a day at most, less the time to arrive', async (t) => {
  for (const [lifetime, seconds] of [
    ['', 60],
    [',"expires_in":1', 60],
    [',"expires_in":-5', 60],
    [',"expires_in":"300"', 60],
    [',"expires_in":300', 300],
    [',"expires_in":1e12', 86_400],
  ] as const) {
    const { get } = await issuer(t, answering(`{"token":"t"${lifetime}}`));
    const before = performance.now();
    const left = (await get()).expires - before - (seconds - 5) * 1000;
    assert.ok(left >= 0 && left < 5000, `${lifetime}: ${left} ms off`);
  }
});

test('what is no token is none', async (t) => {
  const bodies = [
    '{}',
    '[]',
    'null',
    'token',
    '',
    '{"token":""}',
    '{"token":5}',
    '{"token":"a b"}',
    '{"token":"a\\r\\nX-Evil: 1"}',
    `{"token":"${'x'.repeat(2 ** 20)}"}`,
  ];
  for (const body of bodies) {
    const { get } = await issuer(t, answering(body));
    await assert.rejects(get(), fails('UNAUTHENTICATED', /holds no token/), body.slice(0, 40));
  }
  const { get } = await issuer(t, answering('{"token":"","access_token":"second"}'));
  assert.equal((await get()).value, 'second');
});

test('a refusal is told in the server’s own words, with the scope, without a secret', async (t) => {
  const { get } = await issuer(t, answering('{"details":"incorrect username or password"}', 401));
  await assert.rejects(get(ME), (error: unknown) => {
    assert.ok(error instanceof Error && !error.message.includes('pä'));
    return fails('UNAUTHENTICATED', /a token for repository:team\/app:pull.*incorrect username/)(error);
  });
  // RFC 6749, 5.2: a refresh token that has expired is invalid_grant, with status 400.
  const expired = await issuer(t, answering('{"error":"invalid_grant"}', 400));
  await assert.rejects(expired.get(REFRESH), fails('UNAUTHENTICATED', /invalid_grant/));
  await assert.rejects(expired.get(ME), fails('INVALID_ARGUMENT', /400/));
});

test('credentials do not leave TLS because a registry says so', async (t) => {
  const server = await serve(t, answering('{"token":"t"}'));
  const secure = endpointAt('https://registry.test');
  const outside = fetchFrom(secure, { realm: 'http://tokens.test/token' }, ME);
  await assert.rejects(outside, fails('UNAUTHENTICATED', /clear text to http:\/\/tokens.test\/token; refused/));
  const refresh = fetchFrom(secure, { realm: 'http://tokens.test/token' }, REFRESH);
  await assert.rejects(refresh, fails('UNAUTHENTICATED', /clear text/));
  assert.equal(
    (await fetchFrom(secure, { realm: `http://${server.host}/` }, ME)).value,
    't',
    'loopback leaves nothing',
  );
});

test('a realm that is no address is told, one that is relative is the registry’s own', async (t) => {
  const { server, get } = await issuer(t, answering('{"token":"t"}'));
  for (const realm of ['file:///etc/passwd', 'http://', 'ldap://x/']) {
    await assert.rejects(get(undefined, realm), fails('UNAUTHENTICATED', /names no usable token server/), realm);
  }
  await get(undefined, '/auth');
  assert.match(server.seen[0]?.url ?? '', /^\/auth\?scope=/);
});
