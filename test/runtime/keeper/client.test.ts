import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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

test('a keeper that ends while its client is about to is not replaced', { timeout: 60_000 }, async () => {
  await withKeeper(async ({ client: other, state }) => {
    const first = other.pid;
    other.disconnect();
    const { log, lines } = recordingLog();
    const client = new KeeperClient({ state, keeperPath: KEEPER_PATH, log });
    await client.connect();
    client.retire();
    assert.deepEqual(await client.list(), [], 'what is in progress can end');
    process.kill(first, 'SIGKILL');
    while (client.connected) await sleep(10);
    await assert.rejects(client.list(), { code: 'UNAVAILABLE' });
    client.disconnect();
    assert.deepEqual(lines, []);
    await other.connect();
    assert.notEqual(other.pid, first);
  });
});

test('one that was just started in its place ends with the client', { timeout: 60_000 }, async () => {
  await withKeeper(async ({ client: other, state }) => {
    const first = other.pid;
    other.disconnect();
    const { log, lines } = recordingLog();
    const client = new KeeperClient({ state, keeperPath: KEEPER_PATH, log });
    await client.connect();
    process.kill(first, 'SIGKILL');
    const second = await nextKeeper(state, first);
    client.retire();
    while (fs.existsSync(`/proc/${second}`)) await sleep(10);
    await assert.rejects(client.list(), { code: 'UNAVAILABLE' });
    client.disconnect();
    assert.deepEqual(
      lines.filter(({ level }) => level === 'error'),
      [],
    );
    await other.connect();
    assert.ok(![first, second].includes(other.pid));
  });
});

test('while another one has the lock few are started, and one soon after it has gone', {
  timeout: 60_000,
}, async (t) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-keeper-'));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  const state = path.join(root, 'state');
  fs.mkdirSync(state);
  const started = path.join(root, 'started');
  const keeperPath = path.join(root, 'keeper.mjs');
  const count = `import fs from 'node:fs'; fs.appendFileSync(${JSON.stringify(started)}, 'x');`;
  fs.writeFileSync(keeperPath, `${count} await import(${JSON.stringify(KEEPER_PATH)});`);
  const holder = spawn('flock', [path.join(state, 'keeper.lock'), 'sh', '-c', 'echo held; cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const client = new KeeperClient({ state, keeperPath, log: recordingLog().log });
  const connecting = client.connect();
  await sleep(1_500);
  // At 0, 50, 150, 350, 750 and 1,550 ms at the earliest; one after the other they would be twenty.
  assert.ok(fs.readFileSync(started, 'utf8').length <= 6, fs.readFileSync(started, 'utf8'));
  holder.stdin.end();
  await connecting;
  await client.shutdown();
});
