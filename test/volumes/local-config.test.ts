import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createConfigVolume } from '../../volumes/local-config.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('swaps literal files at once, and takes away those that are gone', async () => {
  const volume = await createConfigVolume(root, 'pod', 'files', { one: 'first', two: { data: 'x', mode: 0o600 } });
  assert.equal(fs.readFileSync(path.join(volume, 'one'), 'utf8'), 'first');
  assert.equal(fs.statSync(path.join(volume, 'two')).mode & 0o777, 0o600);
  assert.equal(fs.readlinkSync(path.join(volume, 'one')), '..data/one');
  const before = fs.readlinkSync(path.join(volume, '..data'));
  assert.equal(await createConfigVolume(root, 'pod', 'files', { one: 'second', three: '' }), volume);
  assert.notEqual(fs.readlinkSync(path.join(volume, '..data')), before);
  assert.equal(fs.readFileSync(path.join(volume, 'one'), 'utf8'), 'second');
  const dated = fs.readlinkSync(path.join(volume, '..data'));
  assert.deepEqual(fs.readdirSync(volume).sort(), ['..data', dated, 'one', 'three'].sort());
});

test('what a killed writer left is taken away by the next', async () => {
  const volume = await createConfigVolume(root, 'pod', 'killed', { one: 'first' });
  fs.symlinkSync('nowhere', path.join(volume, '..data_tmp'));
  fs.mkdirSync(path.join(volume, '..2026_01_01_00_00_00.left'));
  await createConfigVolume(root, 'pod', 'killed', { one: 'second' });
  assert.equal(fs.readFileSync(path.join(volume, 'one'), 'utf8'), 'second');
  assert.equal(fs.readdirSync(volume).length, 3);
});

test('names are those of a ConfigMap, and a bad one changes nothing', async () => {
  const volume = await createConfigVolume(root, 'pod', 'names', { '.hidden': 'x', ['a'.repeat(253)]: '' });
  for (const name of ['..data', '..', '.', '', 'a/b', 'a b', 'a'.repeat(254)]) {
    await assert.rejects(createConfigVolume(root, 'pod', 'names', { good: '', [name]: 'x' }), {
      code: 'INVALID_ARGUMENT',
    });
  }
  assert.equal(fs.existsSync(path.join(volume, 'good')), false);
  assert.equal(fs.readFileSync(path.join(volume, '.hidden'), 'utf8'), 'x');
});
