import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmptyDir, podVolumeAt, subPathVolume } from '../../volumes/pod-volume.js';
import { factsOf, kubeletVolume } from './kinds/facts-of.js';

const UID = '0f3c';
const at = (path: string, roots: readonly string[] = []) => podVolumeAt(path, UID, roots);

test('the directory of a volume, and what lies in it', () => {
  const directory = kubeletVolume('empty-dir', 'cache');
  assert.deepEqual(at(directory), { plugin: 'empty-dir', name: 'cache', directory, subPath: '' });
  assert.deepEqual(at(`${directory}/a/b`), { plugin: 'empty-dir', name: 'cache', directory, subPath: 'a/b' });
  assert.equal(at(`/mnt/elsewhere/${UID}/volumes/kubernetes.io~secret/s`)?.name, 's');
});

test('what only looks like one is none', () => {
  for (const path of [
    '/',
    kubeletVolume('empty-dir', ''),
    kubeletVolume('Empty'),
    kubeletVolume(''),
    `/pods/${UID}/volumes`,
    `/pods/${UID}/xvolumes/kubernetes.io~empty-dir/v`,
    `/pods/x${UID}/volumes/kubernetes.io~empty-dir/v`,
    `/pods/${UID}/deeper/volumes/kubernetes.io~empty-dir/v`,
    '/var/lib/kubelet/pods/other/volumes/kubernetes.io~empty-dir/v',
    `/kubernetes.io~empty-dir/${UID}/v`,
  ]) {
    assert.equal(at(path), undefined, path);
  }
  assert.equal(at(kubeletVolume('empty-dirX'))?.plugin, undefined, 'capitals are no plugin');
  assert.equal(at(kubeletVolume('empty-dirx'))?.plugin, 'empty-dirx');
});

test('what a container has made inside of its volume names no other volume', () => {
  const outer = kubeletVolume('empty-dir', 'mine');
  const inner = `${outer}/pods/${UID}/volumes/kubernetes.io~secret/stolen`;
  assert.deepEqual([at(inner)?.plugin, at(inner)?.directory], ['empty-dir', outer]);
});

test('a pod without a uid has what lies below a root of kubelets; one with a uid needs no root', () => {
  const path = kubeletVolume('empty-dir');
  assert.equal(podVolumeAt(path, '', ['/var/lib/kubelet/'])?.name, 'v');
  assert.equal(podVolumeAt(path, '', ['/srv', '/var/lib/kube']), undefined);
  assert.equal(podVolumeAt('/var/lib/kubelet/pods', '', ['/var/lib/kubelet']), undefined);
  assert.equal(podVolumeAt(path, UID, ['/srv'])?.name, 'v');
  assert.equal(podVolumeAt('/a/b/volumes/kubernetes.io~empty-dir/v', 'a/b', []), undefined);
});

test("the place of a kubelet's bind for a subPath", () => {
  assert.equal(subPathVolume(`/var/lib/kubelet/pods/${UID}/volume-subpaths/cache/web/0`, UID), 'cache');
  for (const path of [
    `/pods/${UID}/volume-subpaths/cache/web`,
    `/pods/${UID}/volume-subpaths/cache/web/0/more`,
    `/pods/${UID}/volume-subpaths/cache/web/x`,
    '/pods/other/volume-subpaths/cache/web/0',
    `/pods/${UID}/volume-subpathsX/cache/web/0`,
  ]) {
    assert.equal(subPathVolume(path, UID), undefined, path);
  }
  assert.equal(subPathVolume('/pods//volume-subpaths/cache/web/0', ''), undefined);
});

test('an emptyDir is a directory; a part of one may be a file, but no device', () => {
  const path = kubeletVolume('empty-dir');
  assert.equal(isEmptyDir(factsOf(path)), true);
  assert.equal(isEmptyDir(factsOf(path, { type: 'file' })), false);
  assert.equal(isEmptyDir(factsOf(`${path}/sub`)), true);
  assert.equal(isEmptyDir(factsOf(`${path}/sub`, { type: 'file' })), true);
  assert.equal(isEmptyDir(factsOf(`${path}/sub`, { type: 'block' })), false);
  assert.equal(isEmptyDir(factsOf(kubeletVolume('secret'))), false);
  assert.equal(isEmptyDir(factsOf('/srv')), false);
});
