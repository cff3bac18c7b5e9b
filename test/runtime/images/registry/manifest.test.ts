import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { CribError, type ErrorCode } from '../../../../runtime/errors.js';
import { MAX_MANIFEST } from '../../../../runtime/images/registry/manifest.js';
import type { ManifestBody } from '../../../../runtime/images/registry-types.js';
import { digestOf } from './faulty-server.js';
import { fails, live, serve, sessionFor } from './parts.js';

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: {},
  layers: [],
});
async function fetched(t: TestContext, body: string, header: string | undefined, name = 'v1'): Promise<ManifestBody> {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, header === undefined ? {} : { 'content-type': header }).end(body);
  });
  return (await sessionFor(t, server.host)).manifest(name, live());
}

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

const INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

test('what a manifest is, is said by itself, else by the header, else by what it has', async (t) => {
  const plain = { schemaVersion: 2, config: {}, layers: [] };
  const index = { schemaVersion: 2, manifests: [] };
  for (const [body, header, mediaType] of [
    [plain, undefined, OCI_MANIFEST],
    [index, 'text/plain', INDEX],
    [plain, `${DOCKER_MANIFEST}; charset=utf-8`, DOCKER_MANIFEST],
    [index, DOCKER_LIST.toUpperCase(), DOCKER_LIST],
    [{ ...plain, mediaType: DOCKER_MANIFEST }, OCI_MANIFEST, DOCKER_MANIFEST],
    [{ ...index, mediaType: INDEX }, 'application/json', INDEX],
    [{ ...plain, mediaType: '', manifests: null }, DOCKER_MANIFEST, DOCKER_MANIFEST],
    [{ ...index, mediaType: null, config: null, layers: null }, undefined, INDEX],
  ] as const) {
    const { descriptor } = await fetched(t, JSON.stringify(body), header);
    assert.equal(descriptor.mediaType, mediaType, JSON.stringify([body, header]));
  }
});

test('a body that can be read in two ways is refused (CVE-2021-41190)', async (t) => {
  const plain = { schemaVersion: 2, config: {}, layers: [] };
  const index = { schemaVersion: 2, manifests: [] };
  for (const [body, header] of [
    [{ ...plain, manifests: [] }, OCI_MANIFEST],
    [{ ...index, config: {} }, INDEX],
    [{ ...index, mediaType: OCI_MANIFEST }, undefined],
    [{ ...plain, mediaType: INDEX }, OCI_MANIFEST],
    [{ ...plain, mediaType: OCI_MANIFEST }, INDEX],
    [index, DOCKER_MANIFEST],
    [{ ...plain, mediaType: 'text/html' }, OCI_MANIFEST],
    [{}, OCI_MANIFEST],
  ] as const) {
    const name = JSON.stringify([body, header]);
    await assert.rejects(fetched(t, JSON.stringify(body), header), fails('DATA_LOSS', /is unusable/), name);
  }
  const signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  await assert.rejects(fetched(t, '{"name":"x"}', signed), fails('UNIMPLEMENTED', /schema 1/));
});

test('a manifest of the very size that is allowed is taken, with the digest of its bytes', async (t) => {
  const [head, tail] = [MANIFEST.slice(0, -1), '}'];
  const body = `${head}${' '.repeat(MAX_MANIFEST - head.length - tail.length)}${tail}`;
  const { descriptor } = await fetched(t, body, undefined);
  assert.deepEqual([descriptor.size, descriptor.digest], [MAX_MANIFEST, digestOf(body)]);
});

test('a sha512 digest is checked as well', async (t) => {
  const digest = (body: string): string => `sha512:${createHash('sha512').update(body).digest('hex')}`;
  assert.equal((await fetched(t, MANIFEST, undefined, digest(MANIFEST))).descriptor.digest, digest(MANIFEST));
  await assert.rejects(fetched(t, MANIFEST, undefined, digest('other')), fails('DATA_LOSS', /digest is sha512:/));
  const garbled = await serve(t, (_, response) => {
    response.setHeader('docker-content-digest', digest('other')).end(MANIFEST);
  });
  const fetching = (await sessionFor(t, garbled.host)).manifest('v1', live());
  await assert.rejects(fetching, fails('DATA_LOSS', /digest is sha512:/));
});
