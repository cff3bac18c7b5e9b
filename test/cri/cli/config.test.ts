import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'smol-toml';
import { configTree } from '../../../cri/cli/commands/config.js';
import { loadConfig } from '../../../cri/cli/config.js';
import { buildProgram, serveFlags } from '../../../cri/cli/program.js';

let directory = '';
before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-config-'));
});
after(() => fs.rm(directory, { recursive: true, force: true }));

async function load(text: string) {
  const file = path.join(directory, 'config.toml');
  await fs.writeFile(file, text);
  return loadConfig(file, {});
}

test('flags win over the file, the file over what is built in', async () => {
  const file = path.join(directory, 'three.toml');
  await fs.writeFile(file, 'root = "/file/root"\nstate = "/file/state"\n[network]\nmode = "bridge"\n');
  const config = await loadConfig(file, { root: '/flag/root' });
  assert.deepEqual(
    [config.root, config.state, config.network, config.defaultHandler],
    ['/flag/root', '/file/state', 'bridge', 'host'],
  );
});

test('what crib config prints gives the same configuration again', async () => {
  const config = await load('log_level = "debug"\n[network.bridge]\nsubnets = ["10.1.0.0/24"]\n');
  assert.deepEqual(await load(stringify(configTree(config))), config);
  const policies = await load(
    '[volumes]\ndocker_roots = ["/d"]\n[volumes.runc]\nbind = "refused"\n[volumes.gvisor]\ntmp = "image"',
  );
  assert.deepEqual(policies.dockerRoots, ['/d']);
  assert.deepEqual(policies.volumePolicies, { runc: { routes: { bind: 'refused' } }, gvisor: { tmp: 'image' } });
  assert.deepEqual(await load(stringify(configTree(policies))), policies);
});

const BAD: readonly (readonly [text: string, message: RegExp])[] = [
  ['rooot = "/x"', /unknown key rooot/],
  ['root = 3', /root must be a string/],
  ['root = "x"', /root x must be an absolute path/],
  ['listen = "tcp://1.2.3.4:5"', /listen/],
  ['network = "bridge"', /unknown key network/],
  ['[network]\nmode = "host"', /network\.mode/],
  ['[network]\ncni_bin_dir = "/x"', /network\.cni_bin_dir must be a list/],
  ['log_level = "loud"', /log_level/],
  ['state = "/var/lib/crib"', /different directories/],
  ['root = ', /config\.toml/],
  ['state = "/var/lib/crib/"', /different directories/],
  ['root = "/."', /root \/ must be a directory of crib's own/],
  ['root = "/data/a:b"', /root \/data\/a:b must have no : , or \\, which overlayfs cannot take/],
  ['state = "/run/a,b"', /state \/run\/a,b must have no/],
  ['[network]\ncni_bin_dir = ["/opt/cni/bin", "bin"]', /network\.cni_bin_dir bin must be an absolute path/],
  ['[volumes]\nkubelet_roots = [""]', /volumes\.kubelet_roots "" must be an absolute path/],
  ['[streaming]\ntls_cert_file = "a.pem"\ntls_key_file = "/b.pem"', /streaming\.tls_cert_file a\.pem must be/],
  ['kubeconfig = "x"', /kubeconfig x must be an absolute path/],
  ['[volumes.gvisor]\nemptydirs = "bind"', /unknown key volumes\.gvisor\.emptydirs; there are: .*emptydir/],
  ['[volumes]\nroots = ["/x"]', /unknown key volumes\.roots/],
];
for (const [text, message] of BAD) {
  test(`refused: ${text.replaceAll('\n', ' ')}`, () =>
    assert.rejects(load(text), { code: 'INVALID_ARGUMENT', message }));
}

test('a file that was named must exist', async () => {
  await assert.rejects(loadConfig(path.join(directory, 'none.toml'), {}), /none\.toml/);
});

test('the flags of serve set the fields they are named after', () => {
  const serve = buildProgram().commands.find((command) => command.name() === 'serve');
  serve?.parseOptions(['--root', '/r', '--cni-bin-dir', '/a:/b', '--log-level', 'warn']);
  assert.deepEqual(serveFlags(serve?.opts() ?? {}), { root: '/r', cniBinDir: ['/a', '/b'], logLevel: 'warn' });
});
