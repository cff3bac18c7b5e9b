import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logDirectoryIn, parseInfo, volumesOf } from '../../../cri/cli/verbose-info.js';

const volume = { containerPath: '/a', hostPath: '/b', kind: 'bind', route: 'bind', reason: 'it is', readonly: false };

test('values are parsed; one that is not JSON stays text', () => {
  assert.deepEqual(parseInfo({ a: '{"b":1}', c: 'not json', d: '' }), { a: { b: 1 }, c: 'not json', d: '' });
});

test('volumes and the log directory are found in any of the values', () => {
  const info = parseInfo({
    info: JSON.stringify({ volumes: [volume, { kind: 1 }, null], config: { logDirectory: '/l' } }),
  });
  assert.deepEqual(volumesOf(info), [volume]);
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
