import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { openDirectoryIn, openEntryIn, pathIn } from '../../../runtime/linux/descriptor-paths.js';
import { openPath, unmount } from '../../../runtime/linux/mounts.js';

let root = '';
let fd = 0;
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-descriptors-'));
  fs.mkdirSync(at('dir/sub'), { recursive: true });
  fs.mkdirSync(at('mounted'));
  fs.symlinkSync('sub', at('dir/link'));
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', at('mounted')]);
  fd = openPath(root);
});
afterEach(() => {
  fs.closeSync(fd);
  unmount(at('mounted'));
  fs.rmSync(root, { recursive: true });
});

function closed(opened: number): string {
  const where = fs.readlinkSync(`/proc/self/fd/${opened}`);
  fs.closeSync(opened);
  return where;
}

it('a path in a directory means that directory, wherever it is by now; names may be bytes', () => {
  const directory = openPath(at('dir'));
  fs.renameSync(at('dir'), at('moved'));
  const name = Buffer.of(0xff, 0xfe);
  fs.writeFileSync(pathIn(directory, name), '');
  fs.writeFileSync(pathIn(directory, 'text'), '');
  assert.deepEqual(fs.readdirSync(pathIn(directory)).length, 4);
  assert.ok(fs.existsSync(Buffer.concat([Buffer.from(`${at('moved')}/`), name])));
  fs.closeSync(directory);
});

it('opens directories below, and nothing that leads elsewhere', () => {
  assert.equal(closed(openDirectoryIn(fd, 'dir/sub')), at('dir/sub'));
  assert.throws(() => openDirectoryIn(fd, 'dir/link'), { code: 'ENOTDIR' });
  assert.throws(() => openDirectoryIn(fd, 'dir/../..'), { code: 'EXDEV' });
  assert.throws(() => openDirectoryIn(fd, 'mounted'), { code: 'EXDEV' });
  assert.throws(() => openDirectoryIn(fd, Buffer.from('none')), { code: 'ENOENT' });
});

it('opens an entry itself, with or without the mount on it', () => {
  const directory = openPath(at('dir'));
  const link = openEntryIn(directory, 'link', true);
  assert.ok(fs.fstatSync(link).isSymbolicLink());
  fs.closeSync(link);
  fs.closeSync(directory);
  assert.equal(closed(openEntryIn(fd, 'mounted', true)), at('mounted'));
  assert.throws(() => openEntryIn(fd, 'mounted', false), { code: 'EXDEV' });
});
