/** Whatever a guest leaves in its volume, crib makes and removes nothing outside of it. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { unmountRootfs } from '../../runtime/containers/rootfs.js';
import { CribError } from '../../runtime/errors.js';
import { openPath } from '../../runtime/linux/mounts.js';
import { removePodVolumes } from '../../volumes/local.js';
import { SharedDirectory } from '../../volumes/shared/shared-directory.js';
import { openSubPath } from '../../volumes/sub-path.js';
import { copyTree } from '../../volumes/verity/tree-copy.js';
import { hashTree } from '../../volumes/verity/tree-hash.js';
import { stampTree } from '../../volumes/verity/tree-stamp.js';
import { fuzzed } from '../support/fuzz.js';
import { recordingLog } from '../support/log.js';
import { treeSnapshot } from '../support/tree-snapshot.js';
import { makeTemporary, removeTemporary } from './fixture.js';
import { referenceRootHash } from './verity/reference.js';

/** One input in so many is staged: unmounting waits for the kernel, for milliseconds. */
const STAGED = 10;
/** And in so many is hashed and copied. */
const VERIFIED = 3;

let root = '';
let canary = '';
let round = 0;
let share: SharedDirectory;
const { log } = recordingLog();
const at = (...names: string[]) => path.join(root, ...names);

before(async () => {
  root = makeTemporary();
  fs.mkdirSync(at('outside/a/b'), { recursive: true });
  fs.writeFileSync(at('outside/a/file'), 'canary');
  fs.writeFileSync(at('outside/a/b/file'), 'canary');
  fs.symlinkSync('b', at('outside/a/link'));
  canary = treeSnapshot(at('outside'));
  share = new SharedDirectory(at('share'), { pod: 'p', log });
  await share.open();
});
after(async () => {
  await share.close();
  await removeTemporary(root);
});

/** Few names, so that paths meet. */
const name = fc.constantFrom('a', 'b', 'c', 'file');
const below = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const target = fc.oneof(
  fc.constantFrom('/', '.', '..', '/proc/self/root', '/proc/self/cwd', 'a', 'a/b'),
  fc.nat(8).map((up) => `${'../'.repeat(up)}outside/a`),
  fc.constantFrom('', '/a', '/a/b', '/a/file', '/new').map((end) => `OUTSIDE${end}`),
);
const entry = fc.record({
  place: below,
  kind: fc.constantFrom('directory', 'file', 'symlink', 'symlink', 'hardlink'),
  target,
});
const subPath = fc.oneof(
  { weight: 6, arbitrary: below },
  below.map((text) => `${text}/../../outside`),
  fc.constantFrom('.', '..', '/', '', 'a//b/./c'),
);
const trees = fc.record({ entries: fc.array(entry, { maxLength: 12 }), subPaths: fc.array(subPath, { maxLength: 4 }) });

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

/** As a guest would: what cannot be made, is not. */
function make(volume: string, { place, kind, target: to }: Entry): void {
  const file = path.join(volume, place);
  // A guest makes nothing through its links to the outside either.
  const parent = fs.realpathSync(volume);
  try {
    if (!`${fs.realpathSync(path.dirname(file))}/`.startsWith(`${parent}/`)) return;
    if (kind === 'directory') fs.mkdirSync(file);
    else if (kind === 'file') fs.writeFileSync(file, 'guest', { flag: 'wx' });
    else if (kind === 'symlink') fs.symlinkSync(to.replace('OUTSIDE', at('outside')), file);
    else fs.linkSync(path.join(volume, to), file);
  } catch (error) {
    assert.notEqual((error as NodeJS.ErrnoException).code, undefined);
  }
}

async function attack({ entries, subPaths }: { entries: Entry[]; subPaths: string[] }): Promise<void> {
  round++;
  const pod = `pod${round}`;
  const isStaged = round % STAGED === 0;
  const volume = at('pods', pod, 'volumes/kubernetes.io~empty-dir/v');
  fs.mkdirSync(volume, { recursive: true });
  for (const one of entries) make(volume, one);
  const fd = openPath(volume);
  try {
    if (isStaged) share.stage(pod, fd, { readonly: false, propagation: 'private' });
    for (const text of subPaths) openPart(fd, text);
    if (round % VERIFIED === 0) await verifyAndCopy(fd, volume, at(`copy${round}`));
  } finally {
    fs.closeSync(fd);
  }
  if (isStaged) await share.unstage(pod);
  await unmountRootfs(path.join(volume, 'a')).catch((error: unknown) => {
    assert.match(String(error), /ENOTEMPTY|ENOTDIR/);
  });
  await removePodVolumes(at('pods'), pod);
  assert.deepEqual(fs.readdirSync(at('pods')), []);
  assert.deepEqual(fs.readdirSync(root).sort(), ['outside', 'pods', 'share']);
  assert.equal(treeSnapshot(at('outside')), canary);
}

/** What is hashed, copied and looked at is the volume's own entries, links as links. */
async function verifyAndCopy(volume: number, place: string, target: string): Promise<void> {
  const expected = referenceRootHash(place);
  const { rootHash, entries } = await hashTree(volume);
  assert.equal(rootHash, expected);
  assert.equal((await stampTree(volume, { since: 0n })).changed.length, entries);
  fs.mkdirSync(target);
  const copy = openPath(target);
  try {
    await copyTree(volume, copy);
  } finally {
    fs.closeSync(copy);
  }
  assert.equal(referenceRootHash(target), expected);
  fs.rmSync(target, { recursive: true });
}

/** It is refused, or inside of the volume. */
function openPart(volume: number, subPath: string): void {
  let part: number;
  try {
    part = openSubPath(volume, subPath, { pod: 'p', log });
  } catch (error) {
    const code = error instanceof CribError ? error.code : 'none';
    assert.ok(['INVALID_ARGUMENT', 'FAILED_PRECONDITION'].includes(code), String(error));
    return;
  }
  try {
    const real = fs.readlinkSync(`/proc/self/fd/${part}`);
    const base = fs.readlinkSync(`/proc/self/fd/${volume}`);
    assert.ok(`${real}/`.startsWith(`${base}/`), `${subPath} came to ${real}`);
  } finally {
    fs.closeSync(part);
  }
}

it('for random trees with hostile links, nothing is made or removed outside', fuzzed(trees, attack));
