import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { config, configTree } from '../../../../cri/cli/commands/config.js';
import { CONFIG_KEYS, loadConfig } from '../../../../cri/cli/config.js';
import { printed } from './printed.js';

const FILE = `
log_level = "debug"
[network]
mode = "bridge"
[network.bridge]
subnets = ["10.1.0.0/16", "fd01::/64"]
[volumes.gvisor]
tmp = "image"
`;

test('what is printed is a file that gives the same configuration', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-config-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const [first, second] = [path.join(directory, 'first.toml'), path.join(directory, 'second.toml')];
  fs.writeFileSync(first, FILE);
  const invocation = { connect: undefined, configFile: first, json: false };
  const { stdout } = await printed(t, () => config(invocation));
  fs.writeFileSync(second, stdout);
  assert.deepEqual(await loadConfig(second, {}), await loadConfig(first, {}));
  assert.match(stdout, /^\[network\.bridge\]$/m);
  const json = JSON.parse((await printed(t, () => config({ ...invocation, json: true }))).stdout);
  assert.deepEqual(json.network.bridge.subnets, ['10.1.0.0/16', 'fd01::/64']);
  assert.equal(json.volumes.gvisor.tmp, 'image');
});

test('every key is there, in its table, also the ones that are as they always are', async (t) => {
  const empty = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'crib-config-')), 'empty.toml');
  t.after(() => fs.rmSync(path.dirname(empty), { recursive: true }));
  fs.writeFileSync(empty, '');
  const tree: object = configTree(await loadConfig(empty, {}));
  for (const name of Object.keys(CONFIG_KEYS)) {
    let at: unknown = tree;
    for (const part of name.split('.')) at = Reflect.get(at as object, part);
    assert.notEqual(at, undefined, name);
  }
});
