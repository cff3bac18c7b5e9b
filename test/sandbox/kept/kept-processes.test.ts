/** With a real keeper and real cgroups; in place of an OCI runtime, what a test says. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { CgroupSampler } from '../../../runtime/cgroups/sampler.js';
import type { Keeper } from '../../../runtime/keeper/protocol.js';
import { NO_FEATURES } from '../../../runtime/oci/feature-trials.js';
import { type CreateArguments, OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { silentStdio } from '../../../sandbox/kept/create-kept.js';
import { KeptProcesses } from '../../../sandbox/kept/kept-processes.js';
import { daemon, type Harness, withKeeper } from '../../runtime/keeper/harness.js';
import { recordingLog } from '../../support/log.js';

const LIMIT = { timeout: 60_000 };
const OWNER = { uid: 0, gid: 0 };
const cgroups = await createCgroups();
let made = 0;

/** Runs `argv` where a runtime would create a container. */
class StandIn extends OciRuntime {
  readonly asked: CreateArguments[] = [];
  readonly #argv: readonly string[];

  constructor(argv: readonly string[]) {
    super({ name: 'stand-in', path: '/none', version: '', works: true, reason: '', features: NO_FEATURES });
    this.#argv = argv;
  }

  override runArgv(args: CreateArguments): string[] {
    this.asked.push(args);
    return [...this.#argv];
  }
}

interface Room extends Harness {
  readonly kept: KeptProcesses;
  readonly runtime: StandIn;
  readonly sampler: CgroupSampler;
  readonly cgroup: string;
  readonly bundle: string;
}

const withRoom = (argv: readonly string[], use: (room: Room) => Promise<void>) => () =>
  withKeeper(async (harness) => {
    const { state, client } = harness;
    const runtime = new StandIn(argv);
    const sampler = new CgroupSampler(cgroups);
    const keeper: Keeper = client;
    const kept = new KeptProcesses({ state, keeper, cgroups, sampler, runtime, log: recordingLog().log });
    const cgroup = `/crib-kept-${process.pid}-${made++}`;
    const bundle = path.join(state, 'bundle');
    fs.mkdirSync(bundle);
    try {
      await use({ ...harness, kept, runtime, sampler, cgroup, bundle });
    } finally {
      await cgroups.kill(cgroup);
      await cgroups.remove(cgroup);
    }
  });

async function inside(cgroup: string): Promise<{ pid: number; ended: Promise<unknown[]> }> {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? -1;
  await cgroups.attach(cgroup, pid);
  return { pid, ended: once(child, 'exit') };
}

test(
  'it is created below the bundle, with a terminal only where it asks for one',
  LIMIT,
  withRoom(daemon('exit 5'), async ({ kept, runtime, state, cgroup, bundle, exitOf }) => {
    const { directory } = await kept.create('one', bundle, cgroup, silentStdio(OWNER));
    assert.equal(directory, path.join(bundle, 'io'));
    assert.equal((await exitOf('one')).exit?.exitCode, 5);
    const target = { id: 'one', bundle, root: path.join(state, 'oci/stand-in'), log: path.join(bundle, 'runtime.log') };
    assert.deepEqual(runtime.asked, [target]);
    const tty = { ...silentStdio(OWNER), tty: true };
    await assert.rejects(kept.create('two', bundle, cgroup, tty));
    assert.equal(runtime.asked[1]?.consoleSocket, '{consoleSocket}');
  }),
);

test(
  'a cgroup that somebody is in is refused, and whoever it is lives on',
  LIMIT,
  withRoom(daemon('true'), async ({ kept, runtime, cgroup, bundle }) => {
    await cgroups.create(cgroup);
    const { pid } = await inside(cgroup);
    await assert.rejects(kept.create('one', bundle, cgroup, silentStdio(OWNER)), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(String(pid)),
    });
    assert.deepEqual(await cgroups.processes(cgroup), [pid]);
    assert.deepEqual(runtime.asked, []);
  }),
);

test(
  'of what could not be created nothing is left: no process, no cgroup, no state of the runtime’s',
  LIMIT,
  withRoom(['sh', '-c', 'exit 1'], async ({ kept, cgroup, bundle, client }) => {
    fs.mkdirSync(path.join(kept.runtimeRoot, 'one'), { recursive: true });
    fs.mkdirSync(path.join(kept.runtimeRoot, 'other'));
    await cgroups.create(cgroup);
    await assert.rejects(kept.create('one', bundle, cgroup, silentStdio(OWNER)));
    assert.equal(await cgroups.exists(cgroup), false);
    assert.deepEqual(fs.readdirSync(kept.runtimeRoot), ['other']);
    assert.deepEqual(await client.list(), []);
  }),
);

test(
  'to clear kills what is left, forgets its figures, and is no error where nothing is left',
  LIMIT,
  withRoom(['true'], async ({ kept, sampler, cgroup }) => {
    await cgroups.create(`${cgroup}/below`);
    const { ended } = await inside(`${cgroup}/below`);
    assert.ok((await sampler.statsCached(cgroup)) !== undefined);
    await kept.clear('one', cgroup);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.equal(await cgroups.exists(cgroup), false);
    assert.equal(await sampler.statsCached(cgroup), undefined, 'not those of the second before');
    await kept.clear('one', cgroup);
  }),
);
