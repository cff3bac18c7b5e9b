import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enclosingPlugin, isEmptyDir, volumePlugin } from '../../../volumes/kinds/empty-dir-path.js';
import { factsOf, kubeletVolume } from './facts-of.js';

test("a volume's own directory is told from what is above, below and beside it", () => {
  assert.equal(volumePlugin(kubeletVolume('empty-dir')), 'empty-dir');
  for (const path of [
    '/',
    `${kubeletVolume('empty-dir')}/sub`,
    kubeletVolume('empty-dir', ''),
    kubeletVolume('Empty', 'v'),
    '/pods/u/volumes/kubernetes.io~/v',
    '/pods/u/xvolumes/kubernetes.io~empty-dir/v',
  ]) {
    assert.equal(volumePlugin(path), undefined, path);
  }
});

test('the enclosing volume is found at any depth', () => {
  assert.equal(enclosingPlugin(kubeletVolume('secret')), 'secret');
  assert.equal(enclosingPlugin(`${kubeletVolume('secret')}/a/b`), 'secret');
  assert.equal(enclosingPlugin(kubeletVolume('secret', '')), undefined);
});

test('an emptyDir is a directory; a subPath of one is none', () => {
  const path = kubeletVolume('empty-dir');
  assert.equal(isEmptyDir(factsOf(path)), true);
  assert.equal(isEmptyDir(factsOf(path, { type: 'file' })), false);
  assert.equal(isEmptyDir(factsOf(path, { type: 'missing' })), false);
  assert.equal(isEmptyDir(factsOf(`${path}/sub`)), false);
  assert.equal(isEmptyDir(factsOf(kubeletVolume('secret'))), false);
});
