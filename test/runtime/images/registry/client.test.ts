import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, type Handler } from './faulty-server.js';
import { fails, live, serve, sessionFor } from './parts.js';

const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {},
  layers: [],
});

test('429 with Retry-After and 503 are asked again, 404 is not', async (t) => {
  const server = await serve(t, (_, response, count) => {
    if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else if (count === 2) response.writeHead(503).end();
    else response.end(MANIFEST);
  });
  const started = Date.now();
  const { descriptor } = await (await sessionFor(t, server.host)).manifest('v1', live());
  assert.ok(Date.now() - started >= 990);
  assert.equal(descriptor.digest, digestOf(MANIFEST));
  const missing = await serve(t, (_, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest\r\n\u001b[31m unknown' }] }));
  });
  const session = await sessionFor(t, missing.host);
  await assert.rejects(session.manifest('v1', live()), fails('NOT_FOUND', /MANIFEST_UNKNOWN: manifest \[31m unknown/));
  assert.equal(missing.seen.length, 1);
});

/** A registry that wants bearer tokens from its own /token. */
const tokenRegistry = (good: string): Handler => {
  return (request, response) => {
    if (request.url?.startsWith('/token') === true) {
      response.end(JSON.stringify({ access_token: good, expires_in: 300 }));
    } else if (request.headers.authorization === `Bearer ${good}`) {
      response.end(MANIFEST);
    } else {
      const challenge = `Basic realm="b", Bearer realm="http://${request.headers.host}/token",service="a, \\"b\\"",scope="repository:team/app:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
  };
};

test('bearer tokens: anonymous, basic, identity and registry tokens', async (t) => {
  for (const auth of [
    undefined,
    { username: 'me', password: 'pw' },
    { identityToken: 'refresh' },
    { registryToken: 'good' },
  ]) {
    const server = await serve(t, tokenRegistry('good'));
    const session = await sessionFor(t, server.host, auth === undefined ? {} : { auth });
    await session.manifest('v1', live());
    await session.manifest('v1', live());
    const tokens = server.seen.filter(({ url }) => url.startsWith('/token'));
    assert.equal(tokens.length, auth?.registryToken === undefined ? 1 : 0);
    const token = tokens[0];
    if (auth?.identityToken !== undefined) assert.equal(token?.method, 'POST');
    else if (token !== undefined) {
      const query = new URL(token.url, 'http://x').searchParams;
      assert.equal(query.get('service'), 'a, "b"');
      assert.equal(query.get('scope'), 'repository:team/app:pull');
      assert.equal(token.headers.authorization !== undefined, auth?.username !== undefined);
    }
  }
});

test('credentials for another server are not sent; Docker’s file is asked instead', async (t) => {
  const server = await serve(t, tokenRegistry('good'));
  const auth = { username: 'me', password: 'pw', serverAddress: 'https://other.example/v1/' };
  const docker = { auths: { [`https://${server.host}/v1/`]: { auth: Buffer.from('file:pw').toString('base64') } } };
  await (await sessionFor(t, server.host, { auth, docker })).manifest('v1', live());
  const token = server.seen.find(({ url }) => url.startsWith('/token'));
  assert.equal(token?.headers.authorization, `Basic ${Buffer.from('file:pw').toString('base64')}`);
});

test('wrong credentials give UNAUTHENTICATED after one more try', async (t) => {
  const server = await serve(
    t,
    (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
  );
  const session = await sessionFor(t, server.host, { auth: { username: 'me', password: 'pw' } });
  await assert.rejects(session.manifest('v1', live()), fails('UNAUTHENTICATED', /imagePullSecrets/));
  assert.equal(server.seen.length, 2);
});

test('mirrors in order, with ns and headers; the registry last', async (t) => {
  const empty = await serve(t, (_, response) => void response.writeHead(404).end());
  const full = await serve(t, (_, response) => void response.end(MANIFEST));
  const hosts = `server = "http://127.0.0.1:1"
    [host."http://127.0.0.1:1"]
    [host."http://${empty.host}"]
    [host."http://${empty.host}".header]
    x-mirror = ["a", "b"]
    [host."http://${full.host}/base"]`;
  const session = await sessionFor(t, 'registry.example', { hosts });
  await session.manifest('v1', live());
  assert.equal(empty.seen[0]?.url, '/v2/team/app/manifests/v1?ns=registry.example');
  assert.equal(empty.seen[0]?.headers['x-mirror'], 'a, b');
  assert.equal(full.seen[0]?.url, '/base/v2/team/app/manifests/v1?ns=registry.example');
});
