import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { VolumeUsage } from '../../sandbox/volume-usage.js';
import { makeTemporary, mountCommand, removeTemporary } from '../volumes/fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

const LONG_MS = 60_000;
const tree = (name: string, bytes: number) => {
  const directory = path.join(root, name);
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'file'), Buffer.alloc(bytes, 1));
  return directory;
};

test('the first figure is waited for, and the next call has it at once', async () => {
  const usage = new VolumeUsage();
  const directory = tree('first', 100_000);
  const first = await usage.ofTree(directory, LONG_MS);
  assert.ok(first !== undefined && first.bytes >= 100_000 && first.complete);
  fs.rmSync(path.join(directory, 'file'));
  assert.deepEqual(await usage.ofTree(directory, 0), first, 'it is as good as new');
  usage.close();
});

test('whoever does not wait gets nothing yet, and a tree that is gone has no use', async () => {
  const usage = new VolumeUsage();
  const directory = tree('later', 5000);
  const early = usage.ofTree(directory, 0);
  const waited = usage.ofTree(directory, LONG_MS);
  assert.equal(await early, undefined);
  assert.ok(((await waited)?.bytes ?? 0) >= 5000);
  assert.equal(await usage.ofTree(path.join(root, 'none'), LONG_MS), undefined);
  usage.close();
});

test('no walk goes on after the end', async () => {
  const usage = new VolumeUsage();
  const directory = tree('closed', 5000);
  const asked = usage.ofTree(directory, LONG_MS);
  usage.close();
  assert.equal(await asked, undefined);
});

test('a file system of its own says what it holds', async () => {
  const directory = path.join(root, 'tmpfs');
  fs.mkdirSync(directory);
  mountCommand('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory);
  fs.writeFileSync(path.join(directory, 'file'), Buffer.alloc(300_000, 1));
  const used = await new VolumeUsage().ofFilesystem(directory);
  assert.ok(used !== undefined && used.bytes >= 300_000 && used.bytes < 400_000);
  assert.equal(await new VolumeUsage().ofFilesystem('/proc'), undefined);
  assert.equal(await new VolumeUsage().ofFilesystem(path.join(root, 'none')), undefined);
});
