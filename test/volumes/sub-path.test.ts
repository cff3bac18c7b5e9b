import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { openPath } from '../../runtime/linux/mounts.js';
import { openSubPath } from '../../volumes/sub-path.js';
import { recordingLog } from '../support/log.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
let volume = 0;
let { log, lines } = recordingLog();
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  ({ log, lines } = recordingLog());
  fs.mkdirSync(at('volume/dir'), { recursive: true });
  fs.writeFileSync(at('volume/dir/file'), '');
  volume = openPath(at('volume'));
});
afterEach(async () => {
  fs.closeSync(volume);
  await removeTemporary(root);
});

/** The path that `subPath` comes to. */
function opened(subPath: string): string {
  const fd = openSubPath(volume, subPath, { pod: 'p', log });
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } finally {
    fs.closeSync(fd);
  }
}

it('opens what is there, files and links within the volume too, and makes what is missing', () => {
  fs.symlinkSync('dir', at('volume/link'));
  for (const [subPath, place] of [
    ['dir', 'volume/dir'],
    ['./dir//file', 'volume/dir/file'],
    ['link/file', 'volume/dir/file'],
    ['', 'volume'],
    ['link/new/deep', 'volume/dir/new/deep'],
  ] as const) {
    assert.equal(opened(subPath), at(place), subPath);
  }
  assert.equal(fs.statSync(at('volume/dir/new')).mode & 0o777, 0o750);
  assert.deepEqual(lines, []);
});

it('refuses what leads out, tells of a link that does, and makes nothing there', () => {
  fs.mkdirSync(at('outside'));
  fs.symlinkSync(at('outside'), at('volume/absolute'));
  fs.symlinkSync('../outside', at('volume/relative'));
  fs.symlinkSync('/proc/self/root', at('volume/magic'));
  for (const subPath of ['/dir', '..', 'dir/../..']) {
    assert.throws(() => opened(subPath), { code: 'INVALID_ARGUMENT', message: /must stay below its volume/ });
  }
  assert.equal(lines.length, 0);
  const bad = ['absolute', 'absolute/new', 'relative/new', 'magic/tmp'];
  for (const subPath of bad) {
    assert.throws(() => opened(subPath), { code: 'INVALID_ARGUMENT', message: /leads out of its volume by a symlink/ });
  }
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    bad.map((where) => ({ pod: 'p', where, found: 'a symlink that leads out of the volume' })),
  );
  assert.deepEqual(fs.readdirSync(at('outside')), []);
});

it('says why a path cannot be: below a file, or by a link to nothing', () => {
  fs.symlinkSync('nothing', at('volume/dangling'));
  assert.throws(() => opened('dir/file/below'), {
    code: 'FAILED_PRECONDITION',
    message: /dir\/file\/below: .*ENOTDIR/,
  });
  assert.throws(() => opened('dangling/below'), { code: 'FAILED_PRECONDITION', message: /ENOENT/ });
});
