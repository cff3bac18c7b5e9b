import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { makeDevice, makeNode, setXattr } from '../../../runtime/linux/files.js';
import { hashTree, type TreeHashOptions } from '../../../volumes/verity/tree-hash.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';
import { referenceRootHash } from './reference.js';

let root = '';
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  fs.mkdirSync(at('tree/a/b'), { recursive: true });
  fs.writeFileSync(at('tree/a/file'), 'content');
});
afterEach(() => removeTemporary(root));

async function hash(place = at('tree'), options: TreeHashOptions = {}) {
  const fd = fs.openSync(place, 'r');
  try {
    return await hashTree(fd, options);
  } finally {
    fs.closeSync(fd);
  }
}

it('is the hash that the format describes, for every type of file and names that are not text', async () => {
  fs.writeFileSync(at('tree/empty'), '');
  fs.writeFileSync(at('tree/large'), Buffer.alloc(1_500_000, 'abc'));
  fs.chmodSync(at('tree/large'), 0o4751);
  fs.chownSync(at('tree/a'), 70_001, 4_000_000_000);
  fs.symlinkSync('../../nowhere', at('tree/link'));
  execFileSync('mkfifo', [at('tree/fifo')]);
  makeNode(at('tree/null'), fs.constants.S_IFCHR | 0o666, makeDevice(1, 3));
  makeNode(at('tree/disk'), fs.constants.S_IFBLK | 0o600, makeDevice(7, 1));
  makeNode(at('tree/socket'), fs.constants.S_IFSOCK | 0o600);
  for (const bytes of [[0xff], [0xc3, 0xa4], [0x41]]) {
    fs.writeFileSync(Buffer.concat([Buffer.from(`${at('tree')}/`), Buffer.from(bytes)]), '');
  }
  setXattr(at('tree/a'), 'user.note', Buffer.from('of a directory'));
  setXattr(at('tree/a/file'), 'user.b', Buffer.from([0, 1, 255]));
  setXattr(at('tree/a/file'), 'user.a', Buffer.alloc(0));
  setXattr(at('tree/a/file'), 'trusted.note', Buffer.from('not covered'));
  const summary = await hash();
  assert.equal(summary.rootHash, referenceRootHash(at('tree')));
  assert.deepEqual([summary.entries, summary.files, summary.bytes, summary.byKernel], [14, 6, 1_500_007, 0]);
  assert.equal((await hash(at('tree/large'))).rootHash, referenceRootHash(at('tree/large')), 'of a file alone');
});

it('changes with anything in the tree, and with nothing outside of it', async () => {
  fs.symlinkSync('a', at('tree/link'));
  const first = (await hash()).rootHash;
  const changes: readonly (readonly [make: () => void, unmake: () => void])[] = [
    [() => fs.writeFileSync(at('tree/a/file'), 'contenT'), () => fs.writeFileSync(at('tree/a/file'), 'content')],
    [() => fs.chmodSync(at('tree/a/file'), 0o600), () => fs.chmodSync(at('tree/a/file'), 0o644)],
    [() => fs.chownSync(at('tree/a/b'), 1, 0), () => fs.chownSync(at('tree/a/b'), 0, 0)],
    [() => fs.chownSync(at('tree/a/b'), 0, 1), () => fs.chownSync(at('tree/a/b'), 0, 0)],
    [() => fs.renameSync(at('tree/a/b'), at('tree/a/c')), () => fs.renameSync(at('tree/a/c'), at('tree/a/b'))],
    [() => fs.renameSync(at('tree/a/b'), at('tree/b')), () => fs.renameSync(at('tree/b'), at('tree/a/b'))],
    [() => fs.writeFileSync(at('tree/new'), ''), () => fs.rmSync(at('tree/new'))],
    [() => fs.chmodSync(at('tree'), 0o711), () => fs.chmodSync(at('tree'), 0o755)],
    [
      () => {
        fs.unlinkSync(at('tree/link'));
        fs.symlinkSync('b', at('tree/link'));
      },
      () => {
        fs.unlinkSync(at('tree/link'));
        fs.symlinkSync('a', at('tree/link'));
      },
    ],
  ];
  const seen = new Set([first]);
  for (const [make, unmake] of changes) {
    make();
    seen.add((await hash()).rootHash);
    unmake();
    assert.equal((await hash()).rootHash, first);
  }
  assert.equal(seen.size, changes.length + 1);
  fs.utimesSync(at('tree/a/file'), 1, 1);
  fs.linkSync(at('tree/a/file'), at('outside'));
  assert.equal((await hash()).rootHash, first);
});

/** vfs_cap_data of revision 2: cap_net_raw, effective and permitted. */
const CAP_NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex');
/** posix_acl_xattr: rwx for the owner and for user 1000, r-x for group, mask and others. */
const ACL = Buffer.from(
  '02000000 01000700ffffffff 02000700e8030000 04000500ffffffff 10000500ffffffff 20000500ffffffff'.replaceAll(' ', ''),
  'hex',
);

it('changes with the attributes that count, by name and value, and with no others', async () => {
  const anew = () => {
    fs.rmSync(at('tree/a'), { recursive: true });
    fs.mkdirSync(at('tree/a/b'), { recursive: true });
    fs.writeFileSync(at('tree/a/file'), 'content');
  };
  const seen = new Set([(await hash()).rootHash]);
  const changes = [
    ['tree/a/file', 'user.note', Buffer.from('x')],
    ['tree/a/file', 'user.note', Buffer.from('y')],
    ['tree/a/file', 'user.other', Buffer.from('x')],
    ['tree/a', 'user.note', Buffer.from('x')],
    ['tree/a/file', 'security.capability', CAP_NET_RAW],
    ['tree/a/b', 'system.posix_acl_default', ACL],
  ] as const;
  for (const [place, name, value] of changes) {
    setXattr(at(place), name, value);
    seen.add((await hash()).rootHash);
    assert.equal((await hash()).rootHash, referenceRootHash(at('tree')), `${place} ${name}`);
    anew();
  }
  assert.equal(seen.size, changes.length + 1);
  const before = (await hash()).rootHash;
  setXattr(at('tree/a/file'), 'trusted.note', Buffer.from('x'));
  assert.equal((await hash()).rootHash, before);
});

it('tells of each entry, children first, and of the bytes that it has read', async () => {
  const seen: string[] = [];
  let bytes = 0;
  const summary = await hash(at('tree'), {
    onEntry: (name, digest) => seen.push(`${name} ${digest.length}`),
    onBytes: (read) => {
      bytes += read;
    },
  });
  assert.deepEqual(seen, ['a/b 32', 'a/file 32', 'a 32', '. 32']);
  assert.equal(bytes, summary.bytes);
});

it('is refused with the path: a mount, too many directories in each other, one that cannot be read', async () => {
  fs.mkdirSync(at('deep', ...Array.from({ length: 260 }, () => 'd')), { recursive: true });
  await assert.rejects(hash(at('deep')), {
    code: 'FAILED_PRECONDITION',
    message: /^hashing d\/d.*more than 256 directories/,
  });
  mountCommand('-t', 'tmpfs', 'tmpfs', at('tree/a/b'));
  await assert.rejects(hash(), {
    code: 'FAILED_PRECONDITION',
    message: /^hashing a\/b: another file system is mounted/,
  });
});

it('can be given up at any time, and leaves no descriptor', async () => {
  fs.writeFileSync(at('tree/large'), Buffer.alloc(4 << 20));
  const before = fs.readdirSync('/proc/self/fd').length;
  const given = new AbortController();
  const rejected = assert.rejects(hash(at('tree'), { signal: given.signal, onBytes: () => given.abort() }), {
    code: 'CANCELLED',
  });
  await rejected;
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});

it('lets other work have its turn: no piece of it is long', async () => {
  fs.writeFileSync(at('tree/large'), Buffer.alloc(64 << 20, 'x'));
  let turns = 0;
  const count = () => {
    turns += 1;
    if (!done) setImmediate(count);
  };
  let done = false;
  count();
  await hash().finally(() => {
    done = true;
  });
  assert.ok(turns >= 256, `${turns} turns of the event loop in 256 pieces`);
});
