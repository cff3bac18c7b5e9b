/** This process and the keepers that it starts may open few files: a node with as many containers as it has room for. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError } from '../../../runtime/errors.js';
import type { KeeperClient } from '../../../runtime/keeper/client.js';
import { RLIMIT_NOFILE } from '../../../runtime/linux/constants.js';
import { resourceLimit } from '../../../runtime/linux/processes.js';
import { until } from '../../support/until.js';
import { type Harness, withKeeper } from './harness.js';
import { greetedClient } from './raw-client.js';

const HARD = 300n;
resourceLimit(RLIMIT_NOFILE, { soft: HARD, hard: HARD });

const LIMIT = { timeout: 120_000 };
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
const codeOf = (error: unknown) => (error instanceof CribError ? error.code : assert.fail(String(error)));

/** Containers until no more are let in. */
async function fill({ client, spec }: Harness): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const id = `c${ids.length}`;
    try {
      await client.create(spec(id, { script: `trap 'exit 7' TERM; sleep 1000 & wait` }));
      ids.push(id);
    } catch (error) {
      assert.equal(codeOf(error), 'RESOURCE_EXHAUSTED');
      assert.match(String(error), new RegExp(`creating container ${id}: \\d+ of ${HARD} descriptors`));
      return ids;
    }
  }
}

const exec = (client: KeeperClient, script: string, signal?: AbortSignal) =>
  client.exec({ argv: ['sh', '-c', script], env, pidFile: '', timeoutMs: 0, maxOutputBytes: 100 }, signal);

/** Of the keeper, in seconds. */
function processorTime(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test('a full keeper says so, goes on with what it has, loses no exit, and takes more when there is room', LIMIT, () =>
  withKeeper(async (harness) => {
    const { client, spec, exitOf, state } = harness;
    const ids = await fill(harness);
    assert.ok(ids.length > 30, `${ids.length} containers`);
    const abort = new AbortController();
    const execs = Array.from({ length: 10 }, () => exec(client, 'exec sleep 1000', abort.signal).catch(codeOf));
    const refused = await Promise.race(execs);
    assert.equal(refused, 'RESOURCE_EXHAUSTED');
    const other = await greetedClient(state);
    other.send({ id: 1, method: 'list', params: {} });
    assert.equal(((await other.take()) as { result: unknown[] }).result.length, ids.length, 'who connects is answered');
    other.close();
    abort.abort();
    for (const code of await Promise.all(execs)) assert.ok(code === 'CANCELLED' || code === 'RESOURCE_EXHAUSTED');
    const before = processorTime(client.pid);
    await sleep(500);
    assert.ok(processorTime(client.pid) - before < 0.2, 'it does nothing while it is full');
    for (const id of ids) await client.signal(id, 15);
    for (const id of ids) {
      const { exit, directory } = await exitOf(id);
      assert.equal(exit?.exitCode, 7);
      assert.match(fs.readFileSync(`${directory}/keeper.json`, 'utf8'), /"exitCode":7/, 'it is recorded');
      await client.forget(id);
    }
    await client.create(spec('more', { script: 'exit 3' }));
    assert.equal((await exitOf('more')).exit?.exitCode, 3);
    assert.equal((await exec(client, 'exit 4')).exitCode, 4);
  }),
);

test('the next keeper takes a full one over, with the same limit', LIMIT, () =>
  withKeeper(async (harness) => {
    const { client, exitOf } = harness;
    const ids = await fill(harness);
    const old = client.pid;
    process.kill(old, 'SIGKILL');
    await until(() => !client.connected || client.pid !== old, 'the client sees the death of the keeper');
    const running = (await client.list()).filter(({ exit }) => exit === undefined);
    assert.equal(running.length, ids.length);
    for (const id of ids) await client.signal(id, 15);
    for (const id of ids) assert.equal((await exitOf(id)).exit?.exitCode, 7);
  }),
);
