import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPodRecord, podKey, podView } from '../../sandbox/pod-record.js';
import { podConfig } from '../support/configs.js';
import { podRecord } from '../support/records.js';

test('a record of another version, or without what a start needs, is none', () => {
  const record = podRecord('p');
  assert.equal(isPodRecord(JSON.parse(JSON.stringify(record))), true);
  for (const value of [null, 1, {}, { ...record, version: 2 }, { ...record, config: {} }]) {
    assert.equal(isPodRecord(value), false);
  }
  for (const field of ['id', 'state', 'cgroup', 'createdAt', 'config', 'namespaces']) {
    assert.equal(isPodRecord({ ...record, [field]: undefined }), false, field);
  }
});

test('a pod is ready or not, and has the handler that was asked for, the default as the empty one', () => {
  const record = podRecord('p');
  for (const state of ['creating', 'stopping', 'not-ready'] as const) {
    assert.equal(podView({ ...record, state }).state, 'not-ready', state);
  }
  assert.equal(podView(record).state, 'ready');
  assert.equal(podView(record).handler, 'host', 'records of the first version do not have what was asked for');
  assert.equal(podView({ ...record, requestedHandler: '' }).handler, '');
});

test('a pod is the same one by namespace, name, uid and attempt', () => {
  const config = podConfig('p');
  assert.equal(podKey({ ...config, hostname: 'other' }), podKey(config));
  for (const change of [{ namespace: 'x' }, { name: 'x' }, { uid: 'x' }, { attempt: 1 }]) {
    assert.notEqual(podKey({ ...config, metadata: { ...config.metadata, ...change } }), podKey(config));
  }
});
