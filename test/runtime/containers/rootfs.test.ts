import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  bindMount,
  mountRootfs,
  rootfsPaths,
  unmountIfMounted,
  unmountRootfs,
} from '../../../runtime/containers/rootfs.js';

let directory: string;

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-rootfs-'));
});

afterEach(async () => {
  unmountIfMounted(path.join(directory, 'bundle', 'rootfs'));
  await fs.rm(directory, { recursive: true });
});

async function layers(count: number): Promise<string[]> {
  const made = Array.from({ length: count }, (_, index) => path.join(directory, 'layers', `layer-${index}`));
  for (const [index, layer] of made.entries()) {
    await fs.mkdir(layer, { recursive: true });
    await fs.writeFile(path.join(layer, 'top'), String(index));
    await fs.writeFile(path.join(layer, `only-${index}`), '');
  }
  return made;
}

const paths = () => rootfsPaths(path.join(directory, 'durable'), path.join(directory, 'bundle'));

test('upper layers hide lower ones and writes go to the writable layer', async () => {
  const [lowest, highest] = await layers(2);
  assert.ok(lowest && highest);
  await fs.chmod(highest, 0o711);
  await mountRootfs([lowest, highest], paths());
  const { target, upper } = paths();
  assert.equal(await fs.readFile(path.join(target, 'top'), 'utf8'), '1');
  assert.equal((await fs.stat(target)).mode & 0o7777, 0o711);
  await fs.writeFile(path.join(target, 'new'), 'x');
  assert.equal(await fs.readFile(path.join(upper, 'new'), 'utf8'), 'x');
  await unmountRootfs(target);
  await unmountRootfs(target);
  await assert.rejects(fs.stat(target), { code: 'ENOENT' });
});

test('what was mounted twice is unmounted twice', async () => {
  const { target } = paths();
  await mountRootfs([], paths());
  const [source] = await layers(1);
  assert.ok(source);
  bindMount(source, target);
  await unmountRootfs(target);
  await assert.rejects(fs.stat(target), { code: 'ENOENT' });
});

test('layers that a kill has left mounted are unmounted too', async () => {
  const { target } = paths();
  const left = path.join(path.dirname(target), 'layers');
  await fs.mkdir(left, { recursive: true });
  const [source] = await layers(1);
  assert.ok(source);
  bindMount(source, left);
  await unmountRootfs(target);
  await fs.rmdir(left);
});

test('an image of more layers than fit a page of mount options', async () => {
  await mountRootfs(await layers(120), paths());
  const names = await fs.readdir(paths().target);
  assert.equal(names.length, 121);
  await unmountRootfs(paths().target);
});

test('an image without layers', async () => {
  await mountRootfs([], paths());
  assert.deepEqual(await fs.readdir(paths().target), []);
  await unmountRootfs(paths().target);
});

test('a symlink where the mount should be is not followed', async () => {
  const { target } = paths();
  const outside = path.join(directory, 'outside');
  await fs.mkdir(path.dirname(target), { recursive: true });
  await fs.mkdir(outside);
  await fs.symlink(outside, target);
  await assert.rejects(unmountRootfs(target));
  assert.ok((await fs.lstat(target)).isSymbolicLink());
  assert.ok((await fs.stat(outside)).isDirectory());
});
