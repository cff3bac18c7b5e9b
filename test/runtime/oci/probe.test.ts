import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import type { Cgroups } from '../../../runtime/cgroups/types.js';
import type { RuntimeFacts } from '../../../runtime/oci/oci-runtime.js';
import { probeRuntime, removeStaleProbes, systemCommand, type Trial } from '../../../runtime/oci/probe.js';

const RUNC = '/usr/sbin/runc';
const skip = fs.existsSync(RUNC) ? false : 'no runc';
let directory = '';
let cgroups: Cgroups;
before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-probe-test-'));
  cgroups = await createCgroups();
});
after(() => fs.rmSync(directory, { recursive: true }));

function facts(file: string, name = path.basename(file)): RuntimeFacts {
  const features = {
    recursiveReadOnly: false,
    userNamespaces: false,
    userNamespaceSubmounts: false,
    userNamespaceObstacle: '',
  };
  return { name, path: file, version: '', works: false, reason: '', features };
}

/** Of this process: other files probe too. */
const leftCgroups = () =>
  fs
    .readdirSync('/sys/fs/cgroup')
    .flatMap((name) => fs.readdirSync(path.join('/sys/fs/cgroup', name)))
    .filter((name) => name.startsWith('crib-probe') && name.endsWith(`-${process.pid}`));

function nothingIsLeft(): void {
  assert.deepEqual(fs.readdirSync(directory), []);
  assert.deepEqual(leftCgroups(), []);
}

const script = (text: string): Trial => ({
  prepare: async (spec) => {
    spec.process.args = ['/bin/sh', '-c', text];
  },
  check: (output) => assert.equal(output, 'as it should be\n'),
});

test('a container is run; a trial sees what it writes; what fails says why, and nothing is left', {
  skip,
}, async () => {
  assert.equal(await probeRuntime(facts(RUNC), directory, cgroups), undefined);
  nothingIsLeft();
  assert.equal(await probeRuntime(facts(RUNC), directory, cgroups, script('echo as it should be')), undefined);
  assert.match(String(await probeRuntime(facts(RUNC), directory, cgroups, script('echo other'))), /other/);
  assert.match(String(await probeRuntime(facts(RUNC), directory, cgroups, script('exit 9'))), /exit code 9/);
  const unprepared: Trial = { prepare: () => Promise.reject(new Error('no such file system')), check: () => undefined };
  assert.equal(await probeRuntime(facts(RUNC), directory, cgroups, unprepared), 'no such file system');
  assert.match(String(await probeRuntime(facts('/does/not/exist'), directory, cgroups)), /starting \/does\/not\/exist/);
  assert.match(String(await probeRuntime(facts('/bin/false', '../a b'), directory, cgroups)), /exit code 1/);
  nothingIsLeft();
});

test('what a crib has left that was killed as it probed is removed, of one that lives it is not', async () => {
  const child = spawn('sleep', ['1000']);
  const lives = `probe-runc-${child.pid}`;
  const others = ['probe-runc', 'probe-', 'runc-1', `aprobe-runc-99999999`, 'probe-runc-12x'];
  const stale = ['probe-runc-99999999', 'probe-my.runc_1_2-99999999', `probe-crun-${process.pid}`];
  for (const name of [lives, ...others, ...stale])
    fs.mkdirSync(path.join(directory, name, 'rootfs'), { recursive: true });
  await cgroups.create('/crib-probe-runc-99999999');
  await removeStaleProbes(directory, cgroups);
  assert.deepEqual(fs.readdirSync(directory).sort(), [lives, ...others].sort());
  assert.equal(await cgroups.exists('/crib-probe-runc-99999999'), false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await removeStaleProbes(directory, cgroups);
  assert.deepEqual(fs.readdirSync(directory).sort(), others.sort());
  await removeStaleProbes(path.join(directory, 'none'), cgroups);
  for (const name of others) fs.rmSync(path.join(directory, name), { recursive: true });
});

test('a program of the host’s is found as its directories have it', async () => {
  const [found = '', ...more] = (await systemCommand('sh')) ?? [];
  assert.ok(path.isAbsolute(found) && fs.existsSync(found));
  assert.ok(more.length === 0 || more[0] === 'sh');
  assert.equal(await systemCommand('no-such-program-of-any-host'), undefined);
});
