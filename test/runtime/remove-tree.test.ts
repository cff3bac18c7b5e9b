import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { unmount } from '../../runtime/linux/mounts.js';
import { removeSmallTree, removeTree } from '../../runtime/remove-tree.js';
import { fillDirectory, inSmallHeap } from '../support/small-heap.js';

let root = '';
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-remove-'));
});
afterEach(() => execFileSync('rm', ['-rf', root]));

it('removes directories, files, links and names that are not text; what links lead to stays', async () => {
  fs.mkdirSync(at('precious'));
  fs.writeFileSync(at('precious', 'file'), 'keep');
  fs.mkdirSync(at('tree', 'a', 'b', 'c'), { recursive: true });
  fs.mkdirSync(at('tree', '.removed-1-1'));
  for (let index = 0; index < 40; index++) fs.writeFileSync(at('tree', 'a', `file-${index}`), '');
  fs.symlinkSync(at('precious'), at('tree', 'a', 'b', 'link'));
  fs.linkSync(at('precious', 'file'), at('tree', 'a', 'hard'));
  fs.writeFileSync(Buffer.concat([Buffer.from(`${at('tree', 'a')}/`), Buffer.of(0xff, 0xfe)]), '');
  fs.mkdirSync(Buffer.concat([Buffer.from(`${at('tree', 'a')}/`), Buffer.of(0xfd)]));
  execFileSync('mkfifo', [at('tree', 'fifo')]);
  await removeTree(at('tree'));
  await removeTree(at('tree'));
  await removeTree(at('absent', 'tree'));
  assert.deepEqual(fs.readdirSync(root), ['precious']);
  assert.equal(fs.readFileSync(at('precious', 'file'), 'utf8'), 'keep');
});

it('removes a link or a file itself', async () => {
  fs.mkdirSync(at('precious', 'below'), { recursive: true });
  fs.symlinkSync(at('precious'), at('link'));
  fs.writeFileSync(at('file'), '');
  await removeTree(at('link'));
  await removeTree(at('file'));
  assert.deepEqual(fs.readdirSync(root), ['precious']);
  assert.deepEqual(fs.readdirSync(at('precious')), ['below']);
});

it('removes a tree that is too deep for a path', async () => {
  const script = 'n="$(printf %0200d 0)"; for i in $(seq 300); do mkdir -p $n && cd -P $n; done; touch bottom';
  fs.mkdirSync(at('tree'));
  execFileSync('bash', ['-c', script], { cwd: at('tree') });
  const before = fs.readdirSync('/proc/self/fd').length;
  await removeTree(at('tree'));
  assert.deepEqual(fs.readdirSync(root), []);
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});

it('removes nothing of what is mounted in it', async () => {
  for (const point of ['tree/mounted', 'tree/deep/mounted']) {
    fs.mkdirSync(at('precious'), { recursive: true });
    fs.writeFileSync(at('precious', 'file'), '');
    fs.mkdirSync(at(point), { recursive: true });
    execFileSync('mount', ['--bind', at('precious'), at(point)]);
    await assert.rejects(removeTree(at('tree')), {
      code: 'FAILED_PRECONDITION',
      message: /something is mounted in it/,
    });
    const mounted = execFileSync('findmnt', ['-rno', 'TARGET', '-R', '-T', at(point)])
      .toString()
      .trim();
    assert.ok(fs.existsSync(at('precious', 'file')), mounted);
    unmount(fs.existsSync(at(point)) ? at(point) : mounted);
    await removeTree(at('tree'));
  }
  assert.deepEqual(fs.readdirSync(root), ['precious']);
});

it('removes a small tree at once, and a larger one as any', async () => {
  for (const files of [3, 200]) {
    fs.mkdirSync(at('tree', 'io', 'empty'), { recursive: true });
    for (let index = 0; index < files; index++) fs.writeFileSync(at('tree', 'io', `file-${index}`), '');
    execFileSync('mkfifo', [at('tree', 'io', 'fifo')]);
    const removed = removeSmallTree(at('tree'));
    assert.equal(fs.existsSync(at('tree')), files === 200);
    await removed;
    assert.deepEqual(fs.readdirSync(root), []);
  }
  const before = fs.readdirSync('/proc/self/fd').length;
  await removeSmallTree(at('tree'));
  await removeSmallTree(at('absent', 'tree'));
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});

it('follows no link out of a small tree, and removes nothing of what is mounted in it', async () => {
  fs.mkdirSync(at('precious'));
  fs.writeFileSync(at('precious', 'file'), '');
  fs.symlinkSync(at('precious'), at('link'));
  await removeSmallTree(at('link'));
  fs.mkdirSync(at('tree', 'mounted'), { recursive: true });
  fs.symlinkSync(at('precious'), at('tree', 'link'));
  execFileSync('mount', ['--bind', at('precious'), at('tree', 'mounted')]);
  await assert.rejects(removeSmallTree(at('tree')), { code: 'FAILED_PRECONDITION' });
  unmount(at('tree', 'mounted'));
  await removeSmallTree(at('tree'));
  assert.deepEqual(fs.readdirSync(root), ['precious']);
  assert.deepEqual(fs.readdirSync(at('precious')), ['file']);
});

it('never leaves the tree while directories in it are swapped for links', async () => {
  fs.mkdirSync(at('precious', 'd'), { recursive: true });
  for (let index = 0; index < 20; index++) fs.writeFileSync(at('precious', 'd', `file-${index}`), '');
  const swap = `const fs = require('node:fs');
    for (;;) { try {
      fs.mkdirSync('v/d/sub', { recursive: true }); for (let i = 0; i < 20; i++) fs.writeFileSync('v/d/file-' + i, '');
      fs.renameSync('v/d', 'v/away'); fs.symlinkSync(process.argv[1], 'v/d'); fs.unlinkSync('v/d'); fs.renameSync('v/away', 'v/d');
    } catch (error) { if (error.code === undefined) throw error; } }`;
  const guest = spawn(process.execPath, ['-e', swap, at('precious', 'd')], { cwd: root, stdio: 'inherit' });
  try {
    for (let round = 0; round < 60; round++) {
      await removeTree(at('v')).catch((error: unknown) => {
        // The swapper goes on making things: its directory need not be empty in the end.
        assert.match(String(error), /ENOTEMPTY/);
      });
    }
  } finally {
    guest.kill('SIGKILL');
    await new Promise((resolve) => guest.once('close', resolve));
  }
  assert.equal(fs.readdirSync(at('precious', 'd')).length, 20);
});

it('removes more files than there is memory for', async () => {
  fillDirectory(at('wide'));
  await inSmallHeap('runtime/remove-tree.js', 'removeTree', at('wide'));
  assert.deepEqual(fs.readdirSync(root), []);
});
