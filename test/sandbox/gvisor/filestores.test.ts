import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { holdsFiles, removeFilestores } from '../../../sandbox/gvisor/filestores.js';
import { makeTemporary, removeTemporary } from '../../volumes/fixture.js';

test('takes away what sentries left and nothing else; a directory that is gone is none', async (t) => {
  const directory = makeTemporary();
  t.after(() => removeTemporary(directory));
  fs.writeFileSync(path.join(directory, '.gvisor.filestore.abc'), 'x');
  fs.symlinkSync('/etc/passwd', path.join(directory, '.gvisor.filestore.link'));
  assert.equal(await holdsFiles(directory), false);
  fs.writeFileSync(path.join(directory, '.gvisor.other'), '');
  assert.equal(await holdsFiles(directory), true);
  await removeFilestores(directory);
  assert.deepEqual(fs.readdirSync(directory), ['.gvisor.other']);
  assert.equal(fs.existsSync('/etc/passwd'), true);
  await removeFilestores(path.join(directory, 'nowhere'));
  assert.equal(await holdsFiles(path.join(directory, 'nowhere')), false);
});
