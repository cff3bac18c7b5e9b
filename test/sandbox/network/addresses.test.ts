import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressBytes, formatAddress, parseAddress } from '../../../sandbox/network/addresses.js';

const numRuns = Number(process.env.CRIB_FUZZ_CASES ?? 1000);

describe('addresses', () => {
  it('are the same after formatting and parsing', () => {
    const v4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value }));
    const v6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: 6 as const, value }));
    const sparse = fc.integer({ min: 0, max: 127 }).map((bit) => ({ family: 6 as const, value: 1n << BigInt(bit) }));
    fc.assert(
      fc.property(fc.oneof(v4, v6, sparse), (address) => {
        assert.deepEqual(parseAddress(formatAddress(address)), address);
        assert.equal(addressBytes(address).length, address.family === 4 ? 4 : 16);
      }),
      { numRuns },
    );
  });

  it('know IPv6 in all its spellings, and no zones', () => {
    assert.equal(parseAddress('::')?.value, 0n);
    assert.equal(parseAddress('::ffff:10.0.0.1')?.value, 0xffff0a000001n);
    assert.equal(parseAddress('2001:DB8:0:0::1')?.value, parseAddress('2001:db8::1')?.value);
    for (const text of ['', '10.0.0', '10.0.0.256', 'fe80::1%eth0', ':::', '1::2::3', '[::1]']) {
      assert.equal(parseAddress(text), undefined, text);
    }
  });
});
