import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Handler } from './faulty-server.js';
import { digestOf } from './faulty-server.js';
import { fails, live, serve, sessionFor } from './parts.js';

const MANIFEST = JSON.stringify({ schemaVersion: 2, config: {}, layers: [] });
const manifest: Handler = (_, response) => void response.end(MANIFEST);

test('nothing that is neither tag nor digest reaches a registry', async (t) => {
  const server = await serve(t, manifest);
  const session = await sessionFor(t, server.host);
  for (const name of ['', '.v1', '-v1', 'v1/../../other', 'v1?x', 'v 1', 'a'.repeat(129), `sha256:${'a'.repeat(63)}`]) {
    await assert.rejects(session.manifest(name, live()), fails('INVALID_ARGUMENT', /neither a tag nor a digest/), name);
  }
  const blob = { mediaType: 'x', digest: digestOf('x'), size: 1 };
  for (const digest of ['', 'sha256:../../etc', 'md5:0cc175b9c0f1b6a831c399e269772661', digestOf('x').toUpperCase()]) {
    const refused = session.blob({ ...blob, digest }, 0, live());
    await assert.rejects(refused, fails('INVALID_ARGUMENT', /no sha256 or sha512 digest/), digest);
  }
  for (const size of [-1, 1.5, Number.NaN, 2 ** 53]) {
    await assert.rejects(session.blob({ ...blob, size }, 0, live()), fails('INVALID_ARGUMENT', /no size/));
  }
  assert.equal(server.seen.length, 0);
  await session.manifest('a'.repeat(128), live());
});

test('a tag is asked of those that resolve, a digest and a blob of those that pull', async (t) => {
  const [puller, resolver] = [await serve(t, manifest), await serve(t, manifest)];
  const hosts = `server = "http://127.0.0.1:1"
    capabilities = ["push"]
    [host."http://${puller.host}"]
    capabilities = ["pull"]
    [host."http://${resolver.host}"]
    capabilities = ["resolve"]`;
  const session = await sessionFor(t, 'registry.example', { hosts });
  await session.manifest('v1', live());
  assert.deepEqual([puller.seen.length, resolver.seen.length], [0, 1]);
  await session.manifest(digestOf(MANIFEST), live());
  (await session.blob({ mediaType: 'x', digest: digestOf(MANIFEST), size: MANIFEST.length }, 0, live())).destroy();
  assert.deepEqual([puller.seen.length, resolver.seen.length], [2, 1]);
  const pushing = 'server = "http://127.0.0.1:1"\ncapabilities = ["push"]';
  const none = (await sessionFor(t, 'registry.example', { hosts: pushing })).manifest('v1', live());
  await assert.rejects(none, fails('FAILED_PRECONDITION', /for registry.example has the capability "resolve"/));
});

test('a mirror that could not be reached is asked last from then on, one without the image again first', async (t) => {
  const [broken, empty, full] = [
    await serve(t, (_, response) => void response.writeHead(500).end()),
    await serve(t, (_, response) => void response.writeHead(404).end()),
    await serve(t, manifest),
  ];
  const hosts = `server = "http://${full.host}"
    [host."http://${broken.host}"]
    [host."http://${empty.host}"]`;
  const session = await sessionFor(t, 'registry.example', { hosts });
  for (let i = 0; i < 3; i++) await session.manifest('v1', live());
  assert.deepEqual([broken.seen.length, empty.seen.length, full.seen.length], [1, 3, 3]);
});

test('the certs directory is read once a session, and what is wrong with it is the failure', async (t) => {
  const session = await sessionFor(t, 'registry.example', { hosts: 'server = 5' });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      session.manifest('v1', live()),
      fails('FAILED_PRECONDITION', /hosts\.toml: server is not a string/),
    );
  }
});

test('the error says what could not be got, of the registry first', async (t) => {
  const mirror = await serve(t, (_, response) => void response.writeHead(403).end());
  const registry = await serve(t, (_, response) => void response.writeHead(404).end());
  const hosts = `server = "http://${registry.host}"\n[host."http://${mirror.host}"]`;
  const session = await sessionFor(t, 'registry.example', { hosts });
  const byTag = /^could not get the manifest of registry\.example\/team\/app:v1: .*404.*\(before that: .*403/;
  await assert.rejects(session.manifest('v1', live()), fails('NOT_FOUND', byTag));
  const digest = digestOf('x');
  await assert.rejects(session.manifest(digest, live()), fails('NOT_FOUND', /of registry\.example\/team\/app@sha256:/));
  await assert.rejects(
    session.blob({ mediaType: 'x', digest, size: 1 }, 0, live()),
    fails('NOT_FOUND', /the blob .*404/),
  );
});
