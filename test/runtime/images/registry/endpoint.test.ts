import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostnameOf, isLoopback } from '../../../../runtime/images/registry/endpoint.js';

test('only what cannot leave the machine is loopback', () => {
  for (const name of ['localhost', '127.0.0.1', '127.255.1.200', '[::1]']) assert.ok(isLoopback(name), name);
  const others = [
    '127.0.0.1.example',
    'localhost.example',
    'xlocalhost',
    '128.0.0.1',
    '10.127.0.0.1',
    '[::2]',
    '127.1',
  ];
  for (const name of others) assert.ok(!isLoopback(name), name);
});

test('a host loses its port and keeps the colons of its address', () => {
  for (const [host, name] of [
    ['Registry.Example:5000', 'registry.example'],
    ['registry.example', 'registry.example'],
    ['[::1]:5000', '[::1]'],
    ['[fd00::1]', '[fd00::1]'],
    ['registry.example:', 'registry.example'],
  ] as const) {
    assert.equal(hostnameOf(host), name);
  }
});
