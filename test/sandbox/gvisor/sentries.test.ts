/** What is told and taken away of sentries, without one: that they start and end is in backend.test.ts. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { CGROUPFS } from '../../../runtime/cgroups/driver.js';
import { CgroupSampler } from '../../../runtime/cgroups/sampler.js';
import { CribError } from '../../../runtime/errors.js';
import type { Keeper, KeptContainer } from '../../../runtime/keeper/protocol.js';
import type { GvisorBackendParts } from '../../../sandbox/gvisor/parts.js';
import { runscRoot, sandboxName } from '../../../sandbox/gvisor/places.js';
import { Sentries } from '../../../sandbox/gvisor/sentries.js';
import { recordingLog } from '../../support/log.js';
import { podRecord } from '../../support/records.js';

const ID = 'f'.repeat(64);
const cgroups = await createCgroups();
let made = 0;

function room(t: TestContext, keeper: Partial<Keeper> = {}) {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-sentries-'));
  const pod = { ...podRecord(ID), cgroup: `/crib-sentries-${process.pid}-${made++}` };
  const sampler = new CgroupSampler(cgroups);
  const parts = { state, keeper, cgroups, cgroupDriver: CGROUPFS, sampler, log: recordingLog().log };
  t.after(async () => {
    await cgroups.kill(pod.cgroup);
    await cgroups.remove(pod.cgroup);
    fs.rmSync(state, { recursive: true });
  });
  return { state, pod, sentries: new Sentries(parts as unknown as GvisorBackendParts) };
}

const kept = (id: string, exit?: object) => ({ id, exit }) as unknown as KeptContainer;

test('a sentry is alive while the keeper has it and it has not ended', async (t) => {
  let list = [kept(`${ID}-init`)];
  const { sentries, pod } = room(t, { list: async () => list });
  assert.equal(await sentries.alive(pod), true);
  list = [kept(`${ID}-init`, { exitCode: 0 })];
  assert.equal(await sentries.alive(pod), false);
  list = [kept(ID), kept(`${'e'.repeat(64)}-init`)];
  assert.equal(await sentries.alive(pod), false);
});

test('to stop one ends all that is in it, waits until it is reaped, and leaves nothing', async (t) => {
  let refusals = 2;
  const forgotten: string[] = [];
  const forget = async (id: string) => {
    if (refusals-- > 0) throw new CribError('FAILED_PRECONDITION', 'it still runs');
    forgotten.push(id);
  };
  const { sentries, pod, state } = room(t, { forget });
  const other = runscRoot(state, 'e'.repeat(64));
  for (const root of [runscRoot(state, ID), other]) {
    fs.mkdirSync(root, { recursive: true });
    fs.writeFileSync(path.join(root, 'x.state'), '{}');
  }
  const cgroup = sentries.cgroup(pod);
  assert.ok(cgroup.startsWith(`${pod.cgroup}/`), 'what it uses is the pod’s');
  await cgroups.create(cgroup);
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  await once(child, 'spawn');
  await cgroups.attach(cgroup, child.pid ?? -1);
  const ended = once(child, 'exit');
  await sentries.stop(pod);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.deepEqual(forgotten, [`${ID}-init`]);
  assert.deepEqual(
    [await cgroups.exists(cgroup), fs.existsSync(runscRoot(state, ID)), fs.existsSync(other)],
    [false, false, true],
  );
  await sentries.stop(pod);
});

test('a start takes away what is left of sandboxes that are nobody’s, and is no error where there was none', async (t) => {
  const { sentries, state } = room(t);
  await sentries.sweep(new Set());
  for (const id of ['a', 'b', 'c']) {
    fs.mkdirSync(path.join(runscRoot(state, id.repeat(64)), 'deep'), { recursive: true });
  }
  await sentries.sweep(new Set([sandboxName('b'.repeat(64))]));
  assert.deepEqual(fs.readdirSync(path.join(state, 'runsc')), ['b'.repeat(16)]);
});

test('runsc’s log is beside the sentry’s bundle, its state where the pod’s is alone', (t) => {
  const { sentries, pod, state } = room(t);
  const target = sentries.target(pod);
  const log = path.join(state, 'pods', ID, 'sentry/runtime.log');
  assert.deepEqual(target, { id: 'f'.repeat(16), root: path.join(state, 'runsc', 'f'.repeat(16)), log });
});
