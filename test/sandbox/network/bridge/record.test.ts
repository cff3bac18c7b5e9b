import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBridgeRecord } from '../../../../sandbox/network/bridge/record.js';
import { tcpPort } from '../support.js';
import { bridgeRecord } from './bridge-record.js';

test('what was written is read; anything else in its place is no record', () => {
  const record = bridgeRecord({ ports: [tcpPort(80, 80)] });
  assert.equal(isBridgeRecord(JSON.parse(JSON.stringify(record))), true);
  for (const change of [
    { version: 2 },
    { kind: 'cni' },
    { podId: 1 },
    { link: undefined },
    { addresses: '10.0.0.2' },
    { addresses: [1] },
    { ports: [{ ...tcpPort(80, 80), protocol: 'icmp' }] },
    { ports: [{ ...tcpPort(80, 80), hostPort: '80' }] },
    { ports: [null] },
  ]) {
    assert.equal(isBridgeRecord({ ...record, ...change }), false, JSON.stringify(change));
  }
  for (const value of [null, [], 'x']) assert.equal(isBridgeRecord(value), false);
});
