import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Config, loadConfig } from '../../../../cri/cli/config.js';
import { networkChecks } from '../../../../cri/cli/doctor/network.js';

async function room(t: TestContext): Promise<{ put(name: string, content: unknown): void; config: Config }> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-doctor-network-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  const [cniConfDir, plugins, file] = ['conf', 'bin', 'config.toml'].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  fs.mkdirSync(cniConfDir);
  fs.mkdirSync(plugins);
  fs.writeFileSync(path.join(plugins, 'loopback'), '', { mode: 0o755 });
  fs.writeFileSync(file, '');
  const put = (name: string, content: unknown): void =>
    fs.writeFileSync(path.join(cniConfDir, name), typeof content === 'string' ? content : JSON.stringify(content));
  return { put, config: { ...(await loadConfig(file, {})), network: 'cni', cniConfDir, cniBinDir: [plugins] } };
}

const told = async (config: Config) => (await networkChecks(config)).map(({ what, state }) => [what, state]);

test('a node without a CNI configuration is told what it will report, and the two ways out', async (t) => {
  const { config, put } = await room(t);
  put('README.txt', 'no configuration');
  const [check, ...others] = await networkChecks(config);
  assert.deepEqual([check?.state, others], ['missing', []]);
  assert.match(check?.detail ?? '', /NetworkReady=false/);
  assert.match(check?.mend ?? '', /CNI plugin.*mode to bridge/);
});

test('the first configuration by name counts, and each of its plugins must be there', async (t) => {
  const { config, put } = await room(t);
  put('20-second.conflist', { plugins: [{ type: 'loopback' }] });
  put('10-first.conflist', { plugins: [{ type: 'loopback' }, { type: 'portmap' }, { type: 'portmap' }] });
  const checks = await told(config);
  assert.deepEqual(checks.slice(0, 3), [
    ['CNI configuration', 'ok'],
    ['CNI loopback', 'ok'],
    ['CNI portmap', 'missing'],
  ]);
  assert.equal(checks[3]?.[0], 'iptables', 'which portmap calls');
  assert.equal(checks.length, 4);
});

test('a single plugin’s configuration is one too', async (t) => {
  const { config, put } = await room(t);
  put('10-only.conf', { type: 'loopback' });
  assert.deepEqual(await told(config), [
    ['CNI configuration', 'ok'],
    ['CNI loopback', 'ok'],
  ]);
});

test('a configuration that is none is told by its file, as what is to be mended', async (t) => {
  for (const content of ['{', 'null', { plugins: {} }, { plugins: [{}] }, { plugins: [null] }, '[1]']) {
    const { config, put } = await room(t);
    put('10-broken.conflist', content);
    const [check, ...others] = await networkChecks(config);
    assert.deepEqual([check?.state, others.length], ['missing', 0], JSON.stringify(content));
    assert.match(check?.mend ?? '', /^mend .*10-broken\.conflist$/);
  }
});

test('crib’s own bridge needs no configuration, but its tools', async (t) => {
  const { config } = await room(t);
  const checks = await told({ ...config, network: 'bridge', bridgeSubnets: ['10.1.0.0/16', 'fd01::/64'] });
  assert.deepEqual(
    checks.map(([what]) => what),
    ['network', 'nft', 'ip', 'forwarding'],
  );
  assert.equal(checks[0]?.[1], 'ok');
});
