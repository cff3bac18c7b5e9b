import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCniRecord } from '../../../../sandbox/network/cni/record.js';
import { cniRecord } from './cni-record.js';

test('what was written is read, without a result too; anything else in its place is no record', () => {
  const record = cniRecord();
  assert.equal(isCniRecord(JSON.parse(JSON.stringify(record))), true);
  assert.equal(isCniRecord({ ...record, phase: 'adding', result: {} }), true);
  for (const change of [
    { version: 2 },
    { kind: 'bridge' },
    { phase: 'removed' },
    { netns: undefined },
    { args: 1 },
    { capabilityArgs: [] },
    { result: 'x' },
    { config: { ...record.config, plugins: [{ type: '../../bin/sh' }] } },
    { config: { ...record.config, name: '../..' } },
  ]) {
    assert.equal(isCniRecord({ ...record, ...change }), false, JSON.stringify(change));
  }
});
