import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { writeTar } from '../../../runtime/tar-writer.js';
import { shownScript, swapScript } from '../../../sandbox/gvisor/swap-script.js';
import { copyRoom } from './copy-room.js';

function tree(dated: string, files: Readonly<Record<string, string>>): Buffer {
  const more = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
  const entries = Object.entries(files).map(([key, content]) => ({
    ...{ path: `1/${dated}/${key}`, type: 'file' as const, content: Buffer.from(content), ...more },
  }));
  return writeTar([{ path: `1/${dated}`, type: 'directory', content: Buffer.alloc(0), ...more }, ...entries]);
}

test('busybox swaps the tree, links new keys, and takes away those and the trees that are gone', async (t) => {
  const room = await copyRoom(t);
  const target = room.target(1);
  const shown = () => room.shell(shownScript([target, '/crib/volumes/9']), Buffer.alloc(0));
  assert.equal(await shown(), '\n\n');
  const odd = "it's a key";
  const first = { one: '1', [odd]: 'x', '.hidden': 'h' };
  await room.shell(swapScript([{ target, dated: '..first', keys: Object.keys(first) }]), tree('..first', first));
  const copy = path.join(room.root, target);
  assert.deepEqual(fs.readdirSync(copy).sort(), ['..data', '..first', '.hidden', odd, 'one'].sort());
  for (const [key, content] of Object.entries(first)) {
    assert.equal(fs.readlinkSync(path.join(copy, key)), `..data/${key}`);
    assert.equal(fs.readFileSync(path.join(copy, key), 'utf8'), content);
  }
  assert.equal(await shown(), '..first\n\n');
  const kept = fs.lstatSync(path.join(copy, 'one')).ino;
  const second = { one: '2', two: '' };
  await room.shell(swapScript([{ target, dated: '..second', keys: Object.keys(second) }]), tree('..second', second));
  assert.deepEqual(fs.readdirSync(copy).sort(), ['..data', '..second', 'one', 'two']);
  assert.equal(fs.readFileSync(path.join(copy, 'one'), 'utf8'), '2');
  assert.equal(fs.lstatSync(path.join(copy, 'one')).ino, kept, 'the link of a key that stays is left alone');
});

test('what a swap that was cut short left does not keep the next one from its end', async (t) => {
  const room = await copyRoom(t);
  const target = room.target(1);
  const copy = path.join(room.root, target);
  fs.mkdirSync(path.join(copy, '..half/one'), { recursive: true });
  fs.symlinkSync('..half', path.join(copy, '..data_tmp'));
  await room.shell(swapScript([{ target, dated: '..next', keys: ['one'] }]), tree('..next', { one: '1' }));
  assert.deepEqual(fs.readdirSync(copy).sort(), ['..data', '..next', 'one']);
});

test('an archive that does not unpack changes nothing that is shown', async (t) => {
  const room = await copyRoom(t);
  const target = room.target(1);
  const script = swapScript([{ target, dated: '..next', keys: ['one'] }]);
  await assert.rejects(room.shell(script, Buffer.alloc(512, 'x')));
  assert.deepEqual(fs.readdirSync(path.join(room.root, target)), []);
});
