import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config } from '../../../volumes/kinds/config.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf, kubeletVolume } from './facts-of.js';

test('the four plugins that the kubelet writes files for, named as users name them', () => {
  for (const [plugin, name] of [
    ['configmap', 'configMap'],
    ['secret', 'secret'],
    ['projected', 'projected'],
    ['downward-api', 'downwardAPI'],
  ] as const) {
    assert.match(config.matches(factsOf(kubeletVolume(plugin)), HOST) ?? '', new RegExp(` ${name} `));
  }
});

test('a subPath of one is one too; other plugins, the directory above and look-alikes are not', () => {
  const subPath = `${kubeletVolume('secret')}/..2026_11_24/key`;
  assert.notEqual(config.matches(factsOf(subPath, { type: 'file' }), HOST), undefined);
  for (const path of [
    kubeletVolume('empty-dir'),
    kubeletVolume('csi'),
    kubeletVolume('secrets'),
    kubeletVolume('secret', ''),
    '/srv/kubernetes.io~secret/v',
  ]) {
    assert.equal(config.matches(factsOf(path), HOST), undefined, path);
  }
});

test('it stays on the host, where the kubelet goes on writing it, unless the sandbox keeps a copy in step', () => {
  assert.equal(config.routes(HOST.capabilities)[0].route, 'bind');
  const [shared] = config.routes({ ...GUEST.capabilities, watchedCopies: false });
  assert.equal(shared.route, 'host-shared');
  assert.match(shared.reason, /inotify does not fire/);
  const routes = config.routes({ ...GUEST.capabilities, watchedCopies: true }).map(({ route }) => route);
  assert.deepEqual(routes, ['guest-local', 'host-shared']);
});
