import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpointArchive } from '../../../runtime/containers/checkpoint-archive.js';
import { makeNode, setXattr } from '../../../runtime/linux/files.js';
import { command } from '../../support/command.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-checkpoint-'));
after(() => fs.rmSync(root, { recursive: true }));

function source(name: string) {
  const directory = path.join(root, name, 'work');
  const upper = path.join(root, name, 'upper');
  fs.mkdirSync(path.join(directory, 'checkpoint'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'checkpoint', 'pages-1.img'), 'memory');
  fs.mkdirSync(path.join(upper, 'etc'), { recursive: true });
  fs.writeFileSync(path.join(upper, 'etc', 'written[1]'), 'new', { mode: 0o640 });
  fs.chownSync(path.join(upper, 'etc', 'written[1]'), 1234, 5678);
  setXattr(path.join(upper, 'etc'), 'trusted.overlay.opaque', Buffer.from('y'));
  makeNode(path.join(upper, 'etc', 'gone'), fs.constants.S_IFCHR, 0);
  const spec = path.join(root, name, 'config.json');
  fs.writeFileSync(spec, '{"ociVersion":"1.0.2"}');
  return { directory, upper, spec, config: { id: 'c1' } };
}

const lines = async (...args: string[]) => (await command('tar', args)).toString().trim().split('\n');

test('the archive has the parts that checkpointctl and CRI-O look for', async () => {
  const location = path.join(root, 'archive.tar');
  await writeCheckpointArchive(source('one'), location);
  assert.equal(fs.statSync(location).mode & 0o777, 0o600);
  const parts = await lines('-tf', location);
  for (const part of ['checkpoint/pages-1.img', 'config.dump', 'deleted.files', 'rootfs-diff.tar', 'spec.dump']) {
    assert.ok(parts.includes(part), `${part} is not in ${parts}`);
  }
  assert.ok(!parts.includes('excluded'));
  const out = path.join(root, 'out');
  fs.mkdirSync(out);
  await command('tar', ['-xf', location, '-C', out]);
  assert.deepEqual(JSON.parse(fs.readFileSync(path.join(out, 'deleted.files'), 'utf8')), ['etc/gone']);
  assert.deepEqual(JSON.parse(fs.readFileSync(path.join(out, 'config.dump'), 'utf8')), { id: 'c1' });
  const diff = await lines('--numeric-owner', '-tvf', path.join(out, 'rootfs-diff.tar'));
  assert.match(diff.join('\n'), /-rw-r----- 1234\/5678 .*\.\/etc\/written\[1\]/);
  assert.doesNotMatch(diff.join('\n'), /gone/);
});

test('nothing is left where it cannot be written', async () => {
  const given = source('two');
  const location = path.join(root, 'other.tar');
  await assert.rejects(writeCheckpointArchive({ ...given, upper: path.join(root, 'missing') }, location), /other\.tar/);
  assert.deepEqual(
    fs.readdirSync(root).filter((name) => name.startsWith('other')),
    [],
  );
});
