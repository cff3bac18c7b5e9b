import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, type ErrorCode } from '../../../../runtime/errors.js';
import { parseReference } from '../../../../runtime/images/reference.js';
import { createRegistryClient } from '../../../../runtime/images/registry/client.js';
import type { RegistrySession } from '../../../../runtime/images/registry-types.js';
import type { RegistryAuth } from '../../../../runtime/images/types.js';
import { digestOf, type FaultyServer, faultyServer, type Handler, QUICK } from './faulty-server.js';

const BLOB = randomBytes(300_000);
const DESCRIPTOR = { mediaType: 'application/octet-stream', digest: digestOf(BLOB), size: BLOB.length };
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {},
  layers: [],
});
const NO_AUTH: RegistryAuth = {
  username: '',
  password: '',
  auth: '',
  serverAddress: '',
  identityToken: '',
  registryToken: '',
};
const live = (): AbortSignal => AbortSignal.timeout(10_000);

async function serve(t: TestContext, handler: Handler): Promise<FaultyServer> {
  const server = await faultyServer(handler);
  t.after(() => server.close());
  return server;
}

async function sessionFor(
  t: TestContext,
  host: string,
  given: { auth?: Partial<RegistryAuth>; hosts?: string; docker?: object } = {},
): Promise<RegistrySession> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-registry-'));
  t.after(() => fs.rm(root, { recursive: true, force: true }));
  const docker = path.join(root, 'config.json');
  if (given.docker !== undefined) await fs.writeFile(docker, JSON.stringify(given.docker));
  if (given.hosts !== undefined) {
    await fs.mkdir(path.join(root, host));
    await fs.writeFile(path.join(root, host, 'hosts.toml'), given.hosts);
  }
  const client = createRegistryClient({ certsDir: root, dockerConfigPaths: [docker], retry: QUICK, env: {} });
  const auth = given.auth === undefined ? undefined : { ...NO_AUTH, ...given.auth };
  return client.session(parseReference(`${host}/team/app:v1`), auth);
}

function fails(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CribError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

async function readBlob(session: RegistrySession, offset = 0, size = BLOB.length): Promise<Buffer> {
  const stream: Readable = await session.blob({ ...DESCRIPTOR, size }, offset, live());
  return buffer(stream);
}

const from = (range: string | undefined): number => Number(/bytes=([0-9]+)-/.exec(range ?? '')?.[1] ?? 0);

/** Sends what was asked for, but breaks off after `most` bytes. */
const breaking =
  (most: number): Handler =>
  (request, response) => {
    const start = from(request.headers.range);
    response.writeHead(start === 0 ? 200 : 206, {
      'content-length': BLOB.length - start,
      ...(start === 0 ? {} : { 'content-range': `bytes ${start}-${BLOB.length - 1}/${BLOB.length}` }),
    });
    const part = BLOB.subarray(start, start + most);
    response.write(part, () =>
      start + most < BLOB.length ? setTimeout(() => response.destroy(), 10) : response.end(),
    );
  };

test('a blob is taken up where the connection broke', async (t) => {
  const server = await serve(t, breaking(70_000));
  assert.ok((await readBlob(await sessionFor(t, server.host))).equals(BLOB));
  assert.ok(server.seen.length >= 4);
  assert.ok((await readBlob(await sessionFor(t, server.host), 299_000)).equals(BLOB.subarray(299_000)));
});

test('a registry without ranges is read from the start again', async (t) => {
  const server = await serve(t, (_, response, count) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    if (count > 1) response.end(BLOB);
    else response.write(BLOB.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 10));
  });
  assert.ok((await readBlob(await sessionFor(t, server.host))).equals(BLOB));
});

test('a stalled blob is taken up again, and given up on in the end', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    response.flushHeaders();
  });
  await assert.rejects(readBlob(await sessionFor(t, server.host)), fails('UNAVAILABLE', /no byte for 200 ms/));
  assert.equal(server.seen.length, QUICK.attempts);
});

test('a blob of another size than its descriptor is refused', async (t) => {
  const server = await serve(t, (_, response) => void response.end(BLOB));
  await assert.rejects(readBlob(await sessionFor(t, server.host), 0, 10), fails('DATA_LOSS', /descriptor/));
  const chunked = await serve(t, (_, response) => {
    response.write(BLOB);
    response.end('x');
  });
  await assert.rejects(readBlob(await sessionFor(t, chunked.host)), fails('DATA_LOSS', /more than/));
  const unsatisfiable = await serve(t, (_, response) => void response.writeHead(416).end());
  await assert.rejects(readBlob(await sessionFor(t, unsatisfiable.host), 5), fails('DATA_LOSS', /no bytes from 5/));
  const wrongRange = await serve(t, (_, response) => {
    response.writeHead(206, { 'content-range': `bytes 9-${BLOB.length - 1}/${BLOB.length}` }).end(BLOB.subarray(9));
  });
  await assert.rejects(readBlob(await sessionFor(t, wrongRange.host), 5), fails('DATA_LOSS', /another range/));
});

test('cancelling ends the connection at once', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    response.write(BLOB.subarray(0, 10));
  });
  const session = await sessionFor(t, server.host);
  const abort = new AbortController();
  const stream = await session.blob(DESCRIPTOR, 0, abort.signal);
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(buffer(stream), fails('CANCELLED', /caller went away/));
  const left = await session.blob(DESCRIPTOR, 0, live());
  left.destroy();
  await sleep(50);
  assert.equal(await server.open(), 0);
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

test('a manifest must be what it says and have the digest that was asked for', async (t) => {
  const cases: readonly (readonly [body: string, code: ErrorCode, message: RegExp])[] = [
    ['{"schemaVersion":1}', 'UNIMPLEMENTED', /schema 1/],
    ['{"manifests":[],"layers":[]}', 'DATA_LOSS', /both/],
    ['{"mediaType":"application/vnd.oci.image.index.v1+json","layers":[]}', 'DATA_LOSS', /not one/],
    ['[]', 'DATA_LOSS', /JSON object/],
    [' '.repeat(4 * 1024 * 1024 + 1), 'RESOURCE_EXHAUSTED', /larger/],
  ];
  for (const [body, code, message] of cases) {
    const server = await serve(t, (_, response) => void response.end(body));
    await assert.rejects((await sessionFor(t, server.host)).manifest('v1', live()), fails(code, message));
  }
  const other = digestOf('other');
  const liar = await serve(t, (_, response) => void response.setHeader('docker-content-digest', other).end(MANIFEST));
  const session = await sessionFor(t, liar.host);
  await assert.rejects(session.manifest('v1', live()), fails('DATA_LOSS', /digest is/));
  await assert.rejects(session.manifest(other, live()), fails('DATA_LOSS', /digest is/));
  assert.equal(
    (await session.manifest(digestOf(MANIFEST), live()).catch((e: unknown) => e)) instanceof CribError,
    false,
  );
});

test('Authorization does not follow a redirect to another host', async (t) => {
  const storage = await serve(t, (_, response) => void response.end(BLOB));
  const server = await serve(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else response.writeHead(307, { location: `http://${storage.host}/blob?sig=secret` }).end();
  });
  const session = await sessionFor(t, server.host, {
    auth: { auth: `${Buffer.from('me:pw\0\0').toString('base64')}` },
  });
  assert.ok((await readBlob(session)).equals(BLOB));
  assert.equal(server.seen.at(-1)?.headers.authorization, `Basic ${Buffer.from('me:pw').toString('base64')}`);
  assert.equal(storage.seen[0]?.headers.authorization, undefined);
});

test('endless and hostile redirects end', async (t) => {
  const loop = await serve(
    t,
    (request, response) => void response.writeHead(302, { location: request.url ?? '' }).end(),
  );
  await assert.rejects((await sessionFor(t, loop.host)).manifest('v1', live()), fails('UNAVAILABLE', /redirects/));
  assert.equal(loop.seen.length, 11);
  const file = await serve(t, (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end());
  await assert.rejects((await sessionFor(t, file.host)).manifest('v1', live()), fails('UNAVAILABLE', /no http/));
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
