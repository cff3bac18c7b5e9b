import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameConfig } from '../../sandbox/same-config.js';
import { podConfig } from '../support/configs.js';

test('the order of a map tells nothing, that of a list does', () => {
  const config = { ...podConfig('pod'), labels: { a: '1', b: '2' } };
  assert.ok(sameConfig(config, { ...config, labels: { b: '2', a: '1' } }));
  assert.ok(!sameConfig(config, { ...config, labels: { b: '2', a: '2' } }));
  assert.ok(!sameConfig(config, { ...config, labels: { a: '1' } }));
  assert.ok(!sameConfig({ list: [1, 2] }, { list: [2, 1] }));
});

test('what was on disk is the same as what is asked for again', () => {
  const config = { ...podConfig('pod'), dns: undefined };
  assert.ok(sameConfig(JSON.parse(JSON.stringify(config)), config));
});
