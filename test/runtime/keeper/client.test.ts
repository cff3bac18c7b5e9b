import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { recordingLog } from '../../support/log.js';
import { KEEPER_PATH, withKeeper } from './harness.js';

/** The one process, other than `not`, that was started as the keeper of `state`. */
async function nextKeeper(state: string, not: number): Promise<number> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(2)) {
    for (const name of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== not)) {
      try {
        const line = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        if (line.includes('--state') && line.includes(state)) return Number(name);
      } catch {
        // it has ended
      }
    }
  }
  return assert.fail('no keeper was started');
}

test('a keeper that is killed before it listens is replaced at once', { timeout: 60_000 }, async () => {
  await withKeeper(async ({ client: other, state }) => {
    const first = other.pid;
    other.disconnect();
    // It never tries again after some time: what is started is started because of the death.
    const attemptsPerLaunch = Number.POSITIVE_INFINITY;
    const client = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: recordingLog().log, attemptsPerLaunch });
    await client.connect();
    process.kill(first, 'SIGKILL');
    const second = await nextKeeper(state, first);
    process.kill(second, 'SIGKILL');
    assert.deepEqual(await client.list(), []);
    assert.ok(![first, second].includes(client.pid));
    client.disconnect();
    await other.connect();
  });
});
