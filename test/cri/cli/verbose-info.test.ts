import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logDirectoryIn, parseInfo, podVolumesOf, volumesOf } from '../../../cri/cli/verbose-info.js';

const decision = { containerPath: '/a', hostPath: '/b', kind: 'bind', route: 'bind', reason: 'it is', readonly: false };
const volume = { ...decision, sharedWith: [] };
const podVolume = {
  name: 'v',
  hostPath: '/b',
  kind: 'bind',
  route: 'bind',
  reason: 'it is',
  mounts: [],
  otherPods: [],
};

test('values are parsed; one that is not JSON stays text', () => {
  assert.deepEqual(parseInfo({ a: '{"b":1}', c: 'not json', d: '' }), { a: { b: 1 }, c: 'not json', d: '' });
});

test('volumes and the log directory are found in any of the values', () => {
  const info = parseInfo({
    info: JSON.stringify({ volumes: [volume, decision, { kind: 1 }, null], config: { logDirectory: '/l' } }),
  });
  assert.deepEqual(volumesOf(info), [volume]);
  assert.deepEqual(podVolumesOf(info), []);
  const ofPod = parseInfo({ info: JSON.stringify({ volumes: [podVolume, { ...podVolume, mounts: 1 }] }) });
  assert.deepEqual(podVolumesOf(ofPod), [podVolume]);
  assert.equal(logDirectoryIn(info), '/l');
});

test('another runtime that does not say has none', () => {
  for (const info of [
    {},
    { info: null },
    { info: { volumes: 'x', config: null } },
    { info: { config: { logDirectory: 1 } } },
  ]) {
    assert.deepEqual(volumesOf(info), []);
    assert.equal(logDirectoryIn(info), '');
  }
});
