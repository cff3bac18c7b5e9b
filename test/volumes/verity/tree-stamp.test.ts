import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { setXattr } from '../../../runtime/linux/files.js';
import { type StampOptions, stampTree } from '../../../volumes/verity/tree-stamp.js';
import { until } from '../../support/until.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';

let root = '';
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  fs.mkdirSync(at('tree/a/b'), { recursive: true });
  fs.writeFileSync(at('tree/a/file'), 'content');
  fs.writeFileSync(at('tree/a/linked'), 'content');
  fs.linkSync(at('tree/a/linked'), at('outside'));
});
afterEach(() => removeTemporary(root));

async function stamp(options: StampOptions = {}, place = at('tree')) {
  const fd = fs.openSync(place, fs.constants.O_RDONLY);
  try {
    return await stampTree(fd, options);
  } finally {
    fs.closeSync(fd);
  }
}

/** Once the last change is old enough to be told from the next. */
async function settled(): Promise<string> {
  let found = '';
  await until(async () => {
    found = (await stamp()).stamp;
    return found !== '';
  }, 'the tree has a stamp');
  return found;
}

it('stays the same as long as nothing changes, and says nothing of a tree that has just changed', async () => {
  assert.equal((await stamp()).stamp, '');
  const first = await settled();
  assert.match(first, /^[0-9a-f]{64}$/);
  fs.readFileSync(at('tree/a/file'));
  fs.readdirSync(at('tree/a/b'));
  assert.equal((await stamp()).stamp, first);
  assert.match((await stamp({}, at('tree/a/file'))).stamp, /^[0-9a-f]{64}$/, 'of a file alone');
});

/** Writes a byte through a shared mapping: no write(2), no event of inotify. */
const MAPPED = `open(my $f, "+<", $ARGV[0]); my $at = 0x10000000; my ($mmap, $read) = (9, 0);
syscall($mmap, $at, 4096, 3, 0x11, fileno($f), 0) >= 0 or die $!; syscall($read, 0, $at, 1) == 1 or die $!;`;

it('is another after whatever changes the tree', async () => {
  const changes: readonly (readonly [what: string, make: () => void])[] = [
    ['other bytes, with the times put back', () => rewrite(at('tree/a/file'))],
    ['bytes through a hard link from elsewhere', () => rewrite(at('outside'))],
    ['bytes through a mapping', () => mapped(at('tree/a/file'))],
    ['mode', () => fs.chmodSync(at('tree/a/file'), 0o600)],
    ['owner', () => fs.chownSync(at('tree/a/b'), 1, 0)],
    ['an attribute', () => setXattr(at('tree/a/file'), 'user.note', Buffer.from('x'))],
    ['a new name', () => fs.writeFileSync(at('tree/a/b/new'), '')],
    ['another name', () => fs.renameSync(at('tree/a/b/new'), at('tree/a/b/old'))],
    ['a name less', () => fs.rmSync(at('tree/a/b/old'))],
    ['the top', () => fs.chmodSync(at('tree'), 0o711)],
  ];
  let before = await settled();
  for (const [what, make] of changes) {
    make();
    const after = await settled();
    assert.notEqual(after, before, what);
    before = after;
  }
});

function rewrite(file: string): void {
  const { atime, mtime } = fs.statSync(file);
  fs.writeFileSync(file, 'CONTENT');
  fs.utimesSync(file, atime, mtime);
}

function mapped(file: string): void {
  execFileSync('perl', ['-e', MAPPED, file], { input: 'M' });
  assert.match(fs.readFileSync(file, 'utf8'), /^M/);
}

it('names what has changed since, and the directories', async () => {
  await settled();
  const since = BigInt(Date.now()) * 1_000_000n;
  await until(() => BigInt(Date.now()) * 1_000_000n > since + 20_000_000n, 'time passes');
  fs.writeFileSync(at('tree/a/b/new'), '');
  fs.chmodSync(at('tree/a/file'), 0o600);
  const { changed, directories } = await stamp({ since });
  assert.deepEqual([...changed].sort(), ['a/b', 'a/b/new', 'a/file']);
  assert.deepEqual(directories, ['', 'a', 'a/b']);
  assert.deepEqual((await stamp()).changed, []);
});

it('a mount in it, and a tree too deep, are refused; it can be given up; no descriptor is left', async () => {
  const before = fs.readdirSync('/proc/self/fd').length;
  await assert.rejects(stamp({ signal: AbortSignal.abort() }), { code: 'CANCELLED' });
  mountCommand('-t', 'tmpfs', 'tmpfs', at('tree/a/b'));
  await assert.rejects(stamp(), { code: 'EXDEV' });
  fs.mkdirSync(at('deep', ...Array.from({ length: 260 }, () => 'd')), { recursive: true });
  await assert.rejects(stamp({}, at('deep')), { code: 'FAILED_PRECONDITION' });
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
