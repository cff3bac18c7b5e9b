import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import type { Cgroups } from '../../../runtime/cgroups/types.js';
import { discoverRuntimes } from '../../../runtime/oci/discover.js';
import { tryFeatures } from '../../../runtime/oci/feature-trials.js';
import type { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { recordingLog } from '../../support/log.js';

let directory = '';
let cgroups: Cgroups;
let runc: OciRuntime | undefined;

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-trials-'));
  cgroups = await createCgroups();
  runc = (await discoverRuntimes({ stateDir: directory, log: recordingLog().log })).find(({ name }) => name === 'runc');
  assert.ok(runc?.works, runc?.reason);
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A runtime that takes `from` for `to` in every config.json before runc reads it. */
function runtimeThat(name: string, from: string, to: string): OciRuntime {
  assert.ok(runc !== undefined);
  const file = path.join(directory, name);
  const script = `#!/bin/sh
for word; do [ "$previous" = --bundle ] && sed -i 's/${from}/${to}/g' "$word/config.json"; previous=$word; done
exec ${runc.path} "$@"
`;
  fs.writeFileSync(file, script, { mode: 0o755 });
  return Object.assign(Object.create(Object.getPrototypeOf(runc)), runc, { name, path: file });
}

const leftovers = () =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory));

test('a directory that others cannot get through is found out, and said', async () => {
  assert.ok(runc !== undefined);
  const features = await tryFeatures(runc, directory, cgroups);
  assert.equal(features.recursiveReadOnly, true);
  assert.equal(features.userNamespaces, false, 'mkdtemp makes it 0700');
  assert.ok(features.userNamespaceObstacle.includes(`chmod o+x ${directory}`), features.userNamespaceObstacle);
  fs.chmodSync(directory, 0o711);
  const reachable = await tryFeatures(runc, directory, cgroups);
  assert.deepEqual(reachable, {
    recursiveReadOnly: true,
    userNamespaces: true,
    userNamespaceSubmounts: true,
    userNamespaceObstacle: '',
  });
  assert.deepEqual(leftovers(), []);
});

test('a runtime that drops what it does not know is found out', async () => {
  const deaf = await tryFeatures(runtimeThat('deaf', '"rro"', '"ro"'), directory, cgroups);
  assert.equal(deaf.recursiveReadOnly, false);
  const shallow = await tryFeatures(
    runtimeThat('shallow', '"rbind","rprivate"\\]', '"bind","rprivate"]'),
    directory,
    cgroups,
  );
  assert.deepEqual([shallow.userNamespaces, shallow.userNamespaceSubmounts], [true, false]);
  assert.deepEqual(leftovers(), []);
});
