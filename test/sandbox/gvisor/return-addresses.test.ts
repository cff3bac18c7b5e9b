import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressLines } from '../../../sandbox/gvisor/return-addresses.js';

test('each address goes back as one of a host, IPv4 and IPv6', () => {
  const lines = 'address replace 10.1.0.2/32 dev eth0\naddress replace fd00::2/128 dev eth0\n';
  assert.equal(addressLines(['10.1.0.2', 'fd00::2']), lines);
});
