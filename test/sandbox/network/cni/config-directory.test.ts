import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigDirectory } from '../../../../sandbox/network/cni/config-directory.js';
import { temporary } from '../support.js';

const conf = (name: string) => JSON.stringify({ name, cniVersion: '1.0.0', type: 'bridge' });

async function directory(t: TestContext) {
  const root = path.join(await temporary(t), 'net.d');
  fs.mkdirSync(root);
  const configs = new ConfigDirectory(root);
  t.after(() => configs.close());
  const write = (name: string, text: string) => fs.writeFileSync(path.join(root, name), text);
  const becomes = async (name: string | undefined) => {
    for (let tries = 0; tries < 400 && configs.current().config?.name !== name; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(configs.current().config?.name, name);
  };
  return { root, configs, write, becomes };
}

test('the first valid one by name; earlier ones that are not are named', async (t) => {
  const { configs, write } = await directory(t);
  write('20-b.conf', conf('b'));
  write('30-c.json', conf('c'));
  write('05-readme.txt', conf('no'));
  write('10-a.conf', '{');
  write('15-large.conf', ' '.repeat(1024 * 1024 + 1));
  const { config, problems } = configs.current();
  assert.equal(config?.name, 'b');
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? '', /10-a\.conf: not a JSON object/);
  assert.match(problems[1] ?? '', /15-large\.conf: larger than/);
});

test('edits in place, new files, removals and a directory that comes, goes and comes again are seen', async (t) => {
  const { root, configs, write, becomes } = await directory(t);
  assert.equal(configs.current().config, undefined);
  write('10.conf', conf('one'));
  await becomes('one');
  fs.writeFileSync(path.join(root, '10.conf'), conf('two'));
  await becomes('two');
  write('05.conf', conf('earlier'));
  await becomes('earlier');
  fs.rmSync(root, { recursive: true });
  await becomes(undefined);
  assert.match(configs.current().problems[0] ?? '', /ENOENT/);
  fs.mkdirSync(root);
  write('10.conf', conf('again'));
  await becomes('again');
});

test('nothing is read again while nothing changes', async (t) => {
  const { configs, write } = await directory(t);
  write('10.conf', conf('one'));
  configs.current();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const known = configs.current();
  assert.equal(configs.current(), known);
  configs.close();
  assert.notEqual(configs.current(), known, 'without a watch it reads rather than be stale');
});
