import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command } from './command.js';
import { buildImage, buildIndex, entriesOfDirectory, sha256 } from './images.js';
import { pushImage } from './images-push.js';
import { writeTar } from './images-tar.js';
import { startRegistry } from './registry.js';

describe('images', () => {
  it('writes tar archives that tar unpacks', async (context) => {
    const dir = await mkdtemp(join(tmpdir(), 'crib-images-'));
    context.after(() => rm(dir, { recursive: true, force: true }));
    const long = `deep/${'x'.repeat(120)}/file`;
    const entries = [
      { path: 'deep', type: 'dir', mode: 0o750 },
      { path: long, content: 'content', mode: 0o4755 },
      { path: 'link', type: 'symlink', target: long },
      { path: 'same', type: 'hardlink', target: long },
    ] as const;
    await command('tar', ['-x', '-C', dir], { input: writeTar(entries) });
    const read = await entriesOfDirectory(dir);
    const modes = new Map(read.map((entry) => [entry.path, [entry.type, (entry.mode ?? 0).toString(8)]]));
    assert.deepEqual(modes.get('deep'), ['dir', '750']);
    assert.deepEqual(modes.get(long), ['file', '4755']);
    assert.deepEqual(modes.get('same'), ['hardlink', '4755']);
    assert.equal(read.find((entry) => entry.path === 'link')?.target, long);
  });

  it('builds equal images from equal input', async () => {
    const input = { files: [{ path: 'a', content: 'a' }], config: { Cmd: ['a'] } };
    assert.equal((await buildImage(input)).manifest.digest, (await buildImage(input)).manifest.digest);
    const other = await buildImage({ ...input, format: 'docker' });
    assert.notEqual((await buildImage(input)).manifest.digest, other.manifest.digest);
  });

  it('pushes images and indexes that the registry serves', async (context) => {
    const registry = await startRegistry();
    context.after(registry.stop);
    const one = await buildImage({ files: [{ path: 'one' }], compression: 'zstd' });
    const two = await buildImage({ files: [{ path: 'two' }], architecture: 'other' });
    const index = buildIndex([one, two]);
    const digest = await pushImage(registry.address, 'test/index', ['1', '2'], index);
    for (const reference of ['1', '2', digest, one.manifest.digest]) {
      const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
      const url = `http://${registry.address}/v2/test/index/manifests/${reference}`;
      const answer = Buffer.from(await (await fetch(url, { headers: { accept } })).arrayBuffer());
      assert.equal(sha256(answer), reference.length < 10 ? digest : reference);
    }
  });

  it('says why a registry does not start', async (context) => {
    const dir = await mkdtemp(join(tmpdir(), 'crib-images-'));
    context.after(() => rm(dir, { recursive: true, force: true }));
    const file = join(dir, 'file');
    await writeFile(file, '');
    const tls = { certificate: file, key: file };
    await assert.rejects(startRegistry({ tls }), /docker-registry did not start/);
  });
});
