import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCniConfig, parseConfig } from '../../../../sandbox/network/cni/config.js';

const BRIDGE = { type: 'bridge', bridge: 'cni0' };
const parse = (value: unknown, file = '/etc/cni/net.d/10.conflist') => parseConfig(JSON.stringify(value), file);
const invalid = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });
const list = { name: 'net', cniVersion: '1.0.0', plugins: [BRIDGE] };

test('a list and a single plugin, whose own fields stay as they stand', () => {
  assert.deepEqual(parse(list), { name: 'net', cniVersion: '1.0.0', plugins: [BRIDGE] });
  const single = { name: 'net', cniVersion: '0.4.0', ...BRIDGE };
  assert.deepEqual(parse(single, '/c/10.conf').plugins, [single]);
  assert.throws(() => parse(single, '/c/10.conflist'), invalid(/10\.conflist: "plugins" must be/));
});

test('the highest version that both know is spoken', () => {
  assert.equal(parse({ ...list, cniVersions: ['0.4.0', '1.1.0', '9.0.0'] }).cniVersion, '1.1.0');
  assert.equal(parse({ ...list, cniVersion: '9.0.0', cniVersions: ['0.3.1'] }).cniVersion, '0.3.1');
  for (const cniVersion of ['0.3.0', '0.2.0', '2.0.0', '', undefined, 1]) {
    assert.throws(() => parse({ ...list, cniVersion }), invalid(/"cniVersion" .* is none of 1\.1\.0/));
  }
});

test('names become file names and are held to it, plugin types too', () => {
  for (const name of ['', '../x', 'a/b', '.hidden', 'a'.repeat(129), undefined, 7]) {
    assert.throws(() => parse({ ...list, name }), invalid(/"name"/), String(name));
  }
  for (const type of ['', '..', '.', '../sh', 'a\0b', undefined]) {
    assert.throws(() => parse({ ...list, plugins: [{ type }] }), invalid(/"type"/), String(type));
  }
});

test('one to 32 plugins', () => {
  assert.throws(() => parse({ ...list, plugins: [] }), invalid(/1 to 32/));
  assert.throws(() => parse({ ...list, plugins: Array(33).fill(BRIDGE) }), invalid(/1 to 32/));
  assert.equal(parse({ ...list, plugins: Array(32).fill(BRIDGE) }).plugins.length, 32);
  assert.throws(() => parse({ ...list, plugins: { 0: BRIDGE } }), invalid(/1 to 32/));
});

test('what is no JSON object is refused with the file', () => {
  for (const text of ['', '[]', 'null', '{"name":']) {
    assert.throws(() => parseConfig(text, '/c/x.conf'), invalid(/^CNI configuration \/c\/x\.conf: not a JSON object/));
  }
  assert.equal(isCniConfig({ ...list, plugins: [{ type: '..' }] }), false);
});
