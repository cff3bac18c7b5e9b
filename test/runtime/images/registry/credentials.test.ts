import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalHost, fromAuth } from '../../../../runtime/images/registry/credentials.js';

const NONE = { username: '', password: '', auth: '', identityToken: '', registryToken: '' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('one registry has one name, however its address is written', () => {
  for (const [address, host] of [
    ['https://index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['Docker.io', 'docker.io'],
    ['HTTP://Registry.Example:5000/v2/team?x#y', 'registry.example:5000'],
    ['[::1]:5000/path', '[::1]:5000'],
    ['index.docker.io.evil.example', 'index.docker.io.evil.example'],
    ['https://evil.example/index.docker.io', 'evil.example'],
    ['evil.example?index.docker.io', 'evil.example'],
  ] as const) {
    assert.equal(canonicalHost(address), host, address);
  }
});

test('the form that counts most is taken', () => {
  const basic = { kind: 'basic', username: 'u', password: 'p:q' };
  const all = {
    ...NONE,
    username: 'other',
    password: 'x',
    auth: base64('u:p:q'),
    identityToken: 'i',
    registryToken: 'r',
  };
  assert.deepEqual(fromAuth(all), { kind: 'registry', token: 'r' });
  assert.deepEqual(fromAuth({ ...all, registryToken: '' }), { kind: 'identity', token: 'i' });
  assert.deepEqual(fromAuth({ ...all, registryToken: '', identityToken: '' }), basic);
  assert.deepEqual(fromAuth({ ...NONE, username: 'u', password: 'p:q' }), basic);
  assert.equal(fromAuth({ ...NONE, password: 'of nobody' }), undefined);
  assert.deepEqual(fromAuth({ ...NONE, auth: `${base64('u:p:q\0\0\0')}\n` }), basic, 'as old Dockers filled it up');
});

test('what is malformed is refused, and never told on', () => {
  for (const auth of ['not base64!', base64('no colon'), '==', 'a b']) {
    assert.throws(
      () => fromAuth({ ...NONE, auth }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'INVALID_ARGUMENT');
        assert.ok(!error.message.includes(auth));
        return true;
      },
    );
  }
  for (const registryToken of ['two words', 'line\r\nfeed', 'ü', '\0']) {
    assert.throws(() => fromAuth({ ...NONE, registryToken }), {
      code: 'INVALID_ARGUMENT',
      message: /auth\.registry_token/,
    });
  }
});
