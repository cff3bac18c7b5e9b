import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseUrl, parseAddress } from '../../../cri/streaming/address.js';

test('host and port', () => {
  assert.deepEqual(parseAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(parseAddress('localhost:10010'), { host: 'localhost', port: 10010 });
  assert.deepEqual(parseAddress('[::1]:65535'), { host: '::1', port: 65535 });
  assert.deepEqual(parseAddress(':10010'), { host: '::', port: 10010 });
  for (const bad of ['127.0.0.1', '::1:5', '[nonsense]:5', 'host:65536', 'host:', '']) {
    assert.throws(() => parseAddress(bad), { code: 'INVALID_ARGUMENT' }, bad);
  }
});

test('a URL never names an address that nobody can connect to', () => {
  assert.equal(baseUrl({ host: '0.0.0.0', port: 5 }, false), 'http://127.0.0.1:5');
  assert.equal(baseUrl({ host: '::', port: 5 }, true), 'https://127.0.0.1:5');
  assert.equal(baseUrl({ host: '::1', port: 5 }, false), 'http://[::1]:5');
  assert.equal(baseUrl({ host: 'node.example', port: 5 }, true), 'https://node.example:5');
});
