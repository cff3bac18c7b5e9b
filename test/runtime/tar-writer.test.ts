import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type TarMember, writeTar } from '../../runtime/tar-writer.js';
import { command } from '../support/command.js';

function member(name: string, type: TarMember['type'], content = '', more: Partial<TarMember> = {}): TarMember {
  return {
    path: name,
    type,
    mode: 0o640,
    uid: 0,
    gid: 0,
    mtime: 1_600_000_000,
    content: Buffer.from(content),
    ...more,
  };
}

test('tar(1) unpacks it: contents, targets, modes, owners, times, names and ids of any length', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-tar-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const long = 'k'.repeat(250);
  const archive = writeTar([
    member('d', 'directory', '', { mode: 0o2750, gid: 2000 }),
    member(`d/${long}`, 'file', 'x'.repeat(513), { uid: 1_000_000, gid: 4_000_000_000 }),
    member('d/ä', 'file', '', { mode: 0o400 }),
    member('link', 'symlink', `..data/${long}`),
  ]);
  await command('tar', ['-x', '-p', '--numeric-owner', '-f', '-', '-C', directory], { input: archive });
  const top = fs.statSync(path.join(directory, 'd'));
  assert.deepEqual([top.mode & 0o7777, top.gid], [0o2750, 2000]);
  const file = path.join(directory, 'd', long);
  const stat = fs.statSync(file);
  assert.equal(fs.readFileSync(file, 'utf8'), 'x'.repeat(513));
  assert.deepEqual([stat.mode & 0o7777, stat.uid, stat.gid, stat.mtimeMs], [0o640, 1_000_000, 4_000_000_000, 1.6e12]);
  assert.equal(fs.statSync(path.join(directory, 'd/ä')).size, 0);
  assert.equal(fs.readlinkSync(path.join(directory, 'link')), `..data/${long}`);
});
