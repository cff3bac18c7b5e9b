import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type ProbeRecord, readProbeCache, writeProbeCache } from '../../../runtime/oci/probe-cache.js';

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-probe-cache-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const RECORD: ProbeRecord = {
  key: 'a key',
  version: '1.2.3',
  features: {
    recursiveReadOnly: true,
    userNamespaces: false,
    userNamespaceSubmounts: true,
    userNamespaceObstacle: 'why',
  },
  failure: '',
};
const FILE = 'oci-runtime-runc.json';

test('a record is found under its own key and name alone; the next one takes its place', async () => {
  await writeProbeCache(directory, 'runc', RECORD);
  assert.deepEqual(await readProbeCache(directory, 'runc', 'a key'), RECORD);
  assert.equal(await readProbeCache(directory, 'runc', 'another'), undefined);
  assert.equal(await readProbeCache(directory, 'crun', 'a key'), undefined);
  const failed = { ...RECORD, key: 'b', failure: 'it refuses cgroups' };
  await writeProbeCache(directory, 'runc', failed);
  assert.deepEqual(await readProbeCache(directory, 'runc', 'b'), failed);
  assert.deepEqual(fs.readdirSync(directory), [FILE]);
  assert.equal(fs.statSync(path.join(directory, FILE)).mode & 0o777, 0o600);
});

test('a name leads nowhere else', async () => {
  const inner = path.join(directory, 'inner');
  fs.mkdirSync(inner);
  for (const name of ['../../escape', '/etc/passwd', '..', 'a b', '']) {
    await writeProbeCache(inner, name, { ...RECORD, key: name });
    assert.deepEqual((await readProbeCache(inner, name, name))?.version, '1.2.3');
  }
  assert.deepEqual(fs.readdirSync(directory), ['inner']);
  assert.equal(fs.readdirSync(inner).length, 5);
});

test('what a kill or another program has left there is no record', async () => {
  const file = path.join(directory, FILE);
  const whole = JSON.stringify(RECORD);
  const { features, ...rest } = RECORD;
  for (const text of [
    '',
    whole.slice(0, -1),
    'null',
    '[]',
    '"a key"',
    JSON.stringify(rest),
    JSON.stringify({ ...rest, features: null }),
    JSON.stringify({ ...RECORD, failure: undefined }),
    JSON.stringify({ ...RECORD, version: 1 }),
    JSON.stringify({ ...rest, features: { ...features, userNamespaces: 'yes' } }),
    JSON.stringify({ ...rest, features: { ...features, userNamespaceObstacle: undefined } }),
    `${whole}${' '.repeat(1 << 17)}`,
  ]) {
    fs.writeFileSync(file, text);
    assert.equal(await readProbeCache(directory, 'runc', 'a key'), undefined, text.slice(0, 100));
  }
  fs.rmSync(file);
  fs.mkdirSync(file);
  assert.equal(await readProbeCache(directory, 'runc', 'a key'), undefined);
});
