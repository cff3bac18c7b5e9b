import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor, proxyHeaders } from '../../../../runtime/images/registry/proxy.js';

const PROXY = 'http://proxy.example:3128';
const usesProxy = (url: string, noProxy = '', more: NodeJS.ProcessEnv = {}) =>
  proxyFor(new URL(url), { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: noProxy, ...more }) !== undefined;

test('each scheme has its own, upper case before lower, and what stays on this machine has none', () => {
  const env = { https_proxy: 'secure.example:1', HTTP_PROXY: 'http://plain.example:2', http_proxy: 'http://other' };
  assert.equal(proxyFor(new URL('https://r.example'), env)?.href, 'http://secure.example:1/');
  assert.equal(proxyFor(new URL('http://r.example'), env)?.host, 'plain.example:2');
  assert.equal(proxyFor(new URL('https://r.example'), {}), undefined);
  for (const url of ['http://localhost:5000', 'http://127.0.0.1', 'https://127.9.9.9:1', 'https://[::1]:5000']) {
    assert.equal(usesProxy(url), false, url);
  }
  assert.equal(usesProxy('http://localhost.example'), true);
});

test('NO_PROXY means what it means to Go programs', () => {
  for (const [url, list, uses] of [
    ['https://r.example', '*', false],
    ['https://r.example', 'other, r.example ,', false],
    ['https://sub.r.example', 'r.example', false],
    ['https://xr.example', 'r.example', true],
    ['https://r.example', '.r.example', true],
    ['https://sub.r.example', '.r.example', false],
    ['https://sub.r.example', '*.r.example', false],
    ['https://R.Example', 'r.EXAMPLE', false],
    ['https://r.example', 'r.example:443', false],
    ['https://r.example:5000', 'r.example:443', true],
    ['http://r.example', 'r.example:80', false],
    ['https://10.1.2.3', '10.0.0.0/8', false],
    ['https://11.1.2.3', '10.0.0.0/8', true],
    ['https://10.1.2.3', '10.1.2.3:443', false],
    ['https://10.1.2.3', '2.3', true],
    ['https://[fd00::1]', 'fd00::/8', false],
    ['https://[fd00::1]', '[fd00::1]:443', false],
    ['https://[fd00::1]', 'fd00::1', false],
    ['https://10.1.2.3', '10.0.0.0/33', true],
    ['https://10.1.2.3', '10.0.0.0/', true],
    ['https://10.1.2.3', 'nonsense/8', true],
    ['https://10.1.2.3', '0.0.0.0/0', false],
  ] as const) {
    assert.equal(usesProxy(url, list), uses, `${url} with ${list}`);
  }
});

test('credentials are sent as they are meant, and what is no proxy is refused without being told on', () => {
  assert.deepEqual(proxyHeaders(new URL('http://u%40x:p%3Aq@proxy')), {
    'Proxy-Authorization': `Basic ${Buffer.from('u@x:p:q').toString('base64')}`,
  });
  assert.deepEqual(proxyHeaders(new URL('http://proxy')), {});
  for (const value of ['https://proxy', 'socks5://proxy:1', 'http://', 'http://u:secret%@proxy', 'ftp://secret@x']) {
    const find = () => proxyFor(new URL('https://r.example'), { HTTPS_PROXY: value });
    assert.throws(find, (error: Error & { code?: string }) => {
      assert.deepEqual([error.code, error.message.includes('secret')], ['FAILED_PRECONDITION', false]);
      assert.match(error.message, /^HTTPS_PROXY is not the http:\/\/ address/);
      return true;
    });
  }
});
