import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { LayerStore } from '../../../runtime/images/layers.js';
import { mount, unmount } from '../../../runtime/linux/mounts.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';
import { recordingLog } from '../../support/log.js';

const FACTS = { chainId: `sha256:${'ab'.repeat(32)}`, diffId: `sha256:${'cd'.repeat(32)}`, usedBytes: 4096, inodes: 2 };
const NAME = 'ab'.repeat(8);

test('a layer that two pulls have made at a time is there once, and nothing beside it', async (t) => {
  const root = await temporaryDirectory(t);
  const store = new LayerStore(root, recordingLog().log);
  await store.open(new Set(), 'boot');
  const made = await Promise.all([store.prepare(), store.prepare()]);
  for (const [index, { content }] of made.entries()) await fs.writeFile(path.join(content, 'file'), String(index));
  await Promise.all(made.map(({ name }) => store.commit(name, FACTS)));
  assert.equal(store.get(FACTS.chainId)?.diffId, FACTS.diffId);
  assert.deepEqual(await fs.readdir(root), [NAME]);
  const again = new LayerStore(root, recordingLog().log);
  await again.open(new Set([FACTS.chainId]), 'boot');
  assert.equal(again.contentOf(FACTS.chainId), path.join(root, NAME, 'fs'));
});

test('what is unfinished goes with the next start; a directory without a record is set aside', async (t) => {
  const root = await temporaryDirectory(t);
  const { log, lines } = recordingLog();
  const store = new LayerStore(root, log);
  await store.open(new Set(), 'boot');
  await store.prepare();
  await fs.mkdir(path.join(root, NAME));
  await store.open(new Set([FACTS.chainId]), 'boot');
  assert.equal(store.get(FACTS.chainId), undefined);
  assert.match((await fs.readdir(root)).join(), new RegExp(`^broken-${NAME}-\\d+$`));
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.layer]),
    [['warn', NAME]],
  );
});

test('what is deeper than any path goes too; what cannot go is told, and keeps nobody from starting', async (t) => {
  const root = await temporaryDirectory(t);
  const { log, lines } = recordingLog();
  const store = new LayerStore(root, log);
  await store.open(new Set(), 'boot');
  const [deep, mounted] = [await store.prepare(), await store.prepare()];
  const script = `const name = 'd'.repeat(200); for (let i = 0; i < 30; i++) { fs.mkdirSync(name); process.chdir(name); }`;
  execFileSync(process.execPath, ['-e', script], { cwd: deep.content });
  mount('tmpfs', mounted.content, 'tmpfs', 0, '');
  try {
    await store.open(new Set(), 'boot');
    assert.deepEqual(await fs.readdir(root), [mounted.name]);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.layer]),
      [['warn', mounted.name]],
    );
  } finally {
    unmount(mounted.content);
  }
  await store.open(new Set(), 'boot');
  assert.deepEqual(await fs.readdir(root), []);
});
