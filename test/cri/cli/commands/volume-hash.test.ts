/** `crib volume hash`, which needs no daemon. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeTemporary, removeTemporary } from '../../../volumes/fixture.js';
import { referenceRootHash } from '../../../volumes/verity/reference.js';

const MAIN = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../../cri/cli/main.js');
let root = '';

before(() => {
  root = makeTemporary();
  fs.mkdirSync(path.join(root, 'a'));
  fs.writeFileSync(path.join(root, 'a', 'line\nbreak'), 'content');
});
after(() => removeTemporary(root));

function hash(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'volume', 'hash', ...words], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout;
}

test('prints the root hash, and the entries where that is asked', () => {
  assert.equal(hash(root), `${referenceRootHash(root)}\n`);
  const lines = hash(root, '--entries').trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.replace(/^[0-9a-f]{64} {2}/, '')),
    ['a/line\\nbreak', 'a', '.', referenceRootHash(root)],
  );
});

test('as JSON, with what was counted', () => {
  const summary: unknown = JSON.parse(hash(root, '--entries', '--json'));
  assert.deepEqual(summary, {
    rootHash: referenceRootHash(root),
    entries: 3,
    files: 1,
    bytes: 7,
    byKernel: 0,
    list: hash('--entries', root)
      .trimEnd()
      .split('\n')
      .slice(0, -1)
      .map((line) => ({ digest: line.slice(0, 64), path: line.slice(66).replace('\\n', '\n') })),
  });
});

test('the list that it writes is part of what is hashed', () => {
  const before = referenceRootHash(root);
  const after = hash('--write-list', root).trim();
  assert.notEqual(after, before);
  assert.equal(after, referenceRootHash(root));
  assert.match(
    fs.readFileSync(path.join(root, '.crib-verity'), 'utf8'),
    /^[0-9a-f]{64} {2}a\/line\\nbreak\n[0-9a-f]{64} {2}a\n$/,
  );
});

test('what is not there is told in one line', () => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'volume', 'hash', '/nowhere'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^crib: opening \/nowhere: ENOENT[^\n]*\n$/);
});
