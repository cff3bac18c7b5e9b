import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseSubnet } from '../../../../sandbox/network/addresses.js';
import { AddressAllocator } from '../../../../sandbox/network/bridge/allocator.js';

const allocatorOf = (subnet: string) => new AddressAllocator(parseSubnet(subnet));
const take = (allocator: AddressAllocator, taken: Iterable<string> = []) =>
  formatAddress(allocator.take(new Set(taken)));

test('network, gateway and broadcast are never given', () => {
  const small = allocatorOf('10.0.0.0/29');
  assert.equal(formatAddress(small.gateway), '10.0.0.1');
  const given: string[] = [];
  for (let index = 0; index < 5; index += 1) given.push(take(small, given));
  assert.deepEqual(given, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  assert.throws(() => small.take(new Set(given)), {
    code: 'RESOURCE_EXHAUSTED',
    message: /subnet 10\.0\.0\.0\/29: all 5 addresses/,
  });
});

test('IPv6 has no broadcast: its last address is given too', () => {
  const six = allocatorOf('fd00::/126');
  assert.deepEqual([take(six), take(six), take(six)], ['fd00::2', 'fd00::3', 'fd00::2']);
});

test('an address just released is not given again while others are free', () => {
  const allocator = allocatorOf('10.0.0.0/29');
  assert.equal(take(allocator), '10.0.0.2');
  assert.equal(take(allocator), '10.0.0.3');
  assert.equal(take(allocator, ['10.0.0.4']), '10.0.0.5');
});

test('the one that is free is found from anywhere, also after the end, and exhaustion is not for ever', () => {
  const all = ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'];
  for (const free of all) {
    const allocator = allocatorOf('10.0.0.0/29');
    assert.throws(() => allocator.take(new Set(all)));
    const others = all.filter((address) => address !== free);
    assert.equal(take(allocator, others), free);
  }
});

test('after a restart it goes on behind the highest that is taken; of other subnets it takes no notice', () => {
  const allocator = allocatorOf('10.0.0.0/24');
  allocator.resume(new Set(['10.0.0.7', '10.0.0.3', '10.1.0.200', 'fd00::9', 'nonsense']));
  assert.equal(take(allocator, ['10.0.0.7']), '10.0.0.8');
  const full = allocatorOf('10.0.0.0/29');
  full.resume(new Set(['10.0.0.6']));
  assert.equal(take(full, ['10.0.0.6']), '10.0.0.2');
});

test('a subnet needs room for a gateway and a pod', () => {
  for (const subnet of ['10.0.0.0/31', '10.0.0.0/32', 'fd00::/127', 'fd00::/128']) {
    assert.throws(() => allocatorOf(subnet), { code: 'INVALID_ARGUMENT', message: /too small/ }, subnet);
  }
  assert.equal(take(allocatorOf('10.0.0.0/30')), '10.0.0.2');
});

test('a subnet is of addresses that a pod can have', () => {
  for (const subnet of ['0.0.0.0/0', '127.0.0.0/8', '224.0.0.0/4', '::/0', 'ff00::/8']) {
    assert.throws(() => parseSubnet(subnet), { code: 'INVALID_ARGUMENT', message: /no pod can have/ }, subnet);
  }
});
