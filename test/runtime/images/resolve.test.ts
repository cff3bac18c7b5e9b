import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../runtime/images/manifest.js';
import { parseReference } from '../../../runtime/images/reference.js';
import type { Descriptor } from '../../../runtime/images/registry-types.js';
import { checkPlatform, resolveImage } from '../../../runtime/images/resolve.js';
import { MemoryRegistry, makeImage } from '../../support/images/memory-registry.js';
import { tar } from '../../support/tar-writer.js';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const INDEX = 'application/vnd.oci.image.index.v1+json';
const image = makeImage([{ raw: tar([]) }]);

/** Adds an index; returns what another one would name it by. */
function addIndex(registry: MemoryRegistry, tag: string, manifests: readonly object[]): Descriptor {
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  for (const name of [tag, sha256(body)]) registry.manifests.set(name, { mediaType: INDEX, body });
  return { mediaType: INDEX, digest: sha256(body), size: body.length };
}

const entry = (platform?: object) => ({
  mediaType: image.mediaType,
  digest: image.digest,
  size: image.manifest.length,
  ...(platform === undefined ? {} : { platform }),
});

function resolve(registry: MemoryRegistry, name: string) {
  const reference = parseReference(`x.io/x${name}`);
  return resolveImage(registry.session(reference), reference, AMD64, new AbortController().signal);
}

test('indexes in each other are gone through, the name stays that of the outermost', async () => {
  const registry = new MemoryRegistry();
  registry.add('plain', image);
  let inner: Descriptor = addIndex(registry, 'i1', [entry({ os: 'linux', architecture: 'arm64' }), entry(AMD64)]);
  for (const tag of ['i2', 'i3', 'i4']) inner = addIndex(registry, tag, [{ ...entry(), ...inner }]);
  for (const tag of ['i1', 'i2', 'i4']) {
    const { named, body, unspecified } = await resolve(registry, `:${tag}`);
    assert.equal(named, sha256(registry.manifests.get(tag)?.body ?? ''), tag);
    assert.deepEqual(
      [body.descriptor.digest, body.descriptor.platform, unspecified],
      [image.digest, AMD64, false],
      tag,
    );
  }
  addIndex(registry, 'i5', [inner]);
  await assert.rejects(resolve(registry, ':i5'), { code: 'INVALID_ARGUMENT', message: /more than 4 indexes/ });
  assert.equal((await resolve(registry, ':plain')).unspecified, false);
  addIndex(registry, 'bare', [entry()]);
  assert.equal((await resolve(registry, ':bare')).unspecified, true);
});

test('what has another digest than was asked for is DATA_LOSS', async () => {
  const registry = new MemoryRegistry();
  registry.add('t', image);
  const wanted = sha256('other');
  registry.manifests.set(wanted, { mediaType: image.mediaType, body: image.manifest });
  await assert.rejects(resolve(registry, `@${wanted}`), { code: 'DATA_LOSS' });
  assert.equal((await resolve(registry, `@${image.digest}`)).named, image.digest);
});

test('another platform in the configuration is refused where only that tells, and else warned of', async () => {
  const registry = new MemoryRegistry();
  registry.add('plain', image);
  addIndex(registry, 'bare', [entry()]);
  const [plain, bare] = [await resolve(registry, ':plain'), await resolve(registry, ':bare')];
  const warnings: object[] = [];
  const check = (config: Record<string, unknown>, resolved: typeof plain) =>
    checkPlatform(config, resolved, AMD64, (facts) => warnings.push(facts));
  for (const config of [{}, AMD64, { os: '', architecture: 'arm64' }, { os: 'linux', architecture: 'x86_64' }]) {
    check(config, plain);
    check(config, bare);
  }
  assert.deepEqual(warnings, []);
  const far = { os: 'linux', architecture: 's390x' };
  check(far, plain);
  assert.deepEqual(warnings, [{ platform: 'linux/s390x' }]);
  assert.throws(() => check(far, bare), { code: 'NOT_FOUND', message: /s390x/ });
});
