import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import type { KeptContainer } from '../../../runtime/keeper/protocol.js';
import { until } from '../../support/until.js';
import { type Harness, KEEPER_PATH, QUIET_LOG, withKeeper } from './harness.js';
import { clientPipes } from './pipes.js';
import { NO_RUNC, withRunc } from './runc.js';

const LIMIT = { timeout: 60_000 };
const NEVER = new AbortController().signal;
const GAP = /^\[crib: keeper restarted/;
const openHere = () => fs.readdirSync('/proc/self/fd').length;

/** `kill -9` of the keeper; resolves when the next one answers. */
async function killKeeper({ client }: Harness): Promise<void> {
  const old = client.pid;
  process.kill(old, 'SIGKILL');
  await until(() => !client.connected || client.pid !== old, 'the client sees the death of the keeper');
  await client.list();
  assert.notEqual(client.pid, old);
}

/** The numbers that a container has written, in order and none twice; and the number of gaps that are marked. */
function countOf(lines: readonly string[]): { numbers: number[]; gaps: number } {
  const numbers = lines.filter((line) => !GAP.test(line)).map((line) => Number(line.trim()));
  assert.ok(
    numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)),
    'lines are in order, and none is doubled',
  );
  return { numbers, gaps: lines.filter((line) => GAP.test(line)).length };
}

const contentOf = (harness: Harness, id: string) => harness.logOf(id).map(([, , text]) => text);

test('a container with a terminal outlives its keeper, is typed into, and ends by itself', {
  ...LIMIT,
  skip: NO_RUNC,
}, async () => {
  await withRunc(async ({ harness, start }) => {
    const script = 'stty -echo; (i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done) & read x; exit $x';
    await start('tty', script, { tty: true, stdio: { stdin: true } });
    const lines = () => contentOf(harness, 'tty').length;
    for (let death = 1; death <= 3; death++) {
      const seen = lines();
      await until(() => lines() > seen + 10, 'it writes');
      await killKeeper(harness);
    }
    const seen = lines();
    await until(() => lines() > seen + 10, 'it writes on');
    assert.equal(countOf(contentOf(harness, 'tty')).gaps, 3);
    const pipes = clientPipes(['stdin']);
    const attached = harness.client.attach('tty', pipes.passed, pipes.handedOver, NEVER);
    pipes.stdin.end('5\n');
    await attached;
    assert.equal((await harness.exitOf('tty')).exit?.exitCode, 5);
    pipes.close();
  });
});

test('what lies in the FIFOs is not lost, and stdin stays open until it is closed', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec, exitOf } = harness;
    const script = 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; cat; exit 6';
    await client.create(spec('cat', { script, stdio: { stdin: true, stdinOnce: true } }));
    for (let death = 1; death <= 3; death++) await killKeeper(harness);
    await until(() => contentOf(harness, 'cat').includes('3000'), 'it has written');
    const pipes = clientPipes(['stdin']);
    const attached = client.attach('cat', pipes.passed, pipes.handedOver, NEVER);
    pipes.stdin.end('3001\n');
    assert.equal(
      (await exitOf('cat')).exit?.exitCode,
      6,
      'it has read the end of stdin, though that was held here too',
    );
    await attached;
    const { gaps, numbers } = countOf(contentOf(harness, 'cat'));
    assert.equal(gaps, 3);
    assert.equal(numbers.at(-1), 3001);
    pipes.close();
  });
});

test('stdin that was closed stays so under the next keeper', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec } = harness;
    const script = 'cat; echo end; cat; echo again; exec sleep 60';
    await client.create(spec('once', { script, stdio: { stdin: true, stdinOnce: true } }));
    const pipes = clientPipes(['stdin']);
    const attached = client.attach('once', pipes.passed, pipes.handedOver, NEVER).catch(() => undefined);
    pipes.stdin.end();
    await until(() => contentOf(harness, 'once').includes('again'), 'it has read the end');
    await killKeeper(harness);
    await attached;
    const inits = fs.readdirSync(`/proc/${(await client.list())[0]?.pid}/fd/`);
    assert.ok(inits.length > 0);
    const fifo = path.join((await client.list())[0]?.directory ?? '', 'stdin');
    assert.equal(fs.existsSync(fifo), false);
    pipes.close();
  });
});

test('the exit of what ends while there is no keeper comes from the kernel', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec, exitOf } = harness;
    const whenDead = `while kill -0 "$KEEPER" 2>/dev/null; do :; done`;
    const env = { PATH: process.env.PATH ?? '', KEEPER: String(client.pid) };
    await client.create({ ...spec('seven', { script: `${whenDead}; exit 7` }), env });
    await client.create({ ...spec('killed', { script: `${whenDead}; kill -9 $$` }), env });
    await killKeeper(harness);
    assert.equal((await exitOf('seven')).exit?.exitCode, 7);
    const { exit } = await exitOf('killed');
    assert.deepEqual([exit?.exitCode, exit?.signal], [137, 9]);
  });
});

test(
  'nobody is left who held anything: what runs is taken over by its paths, what ended is not known',
  LIMIT,
  async () => {
    await withKeeper(async ({ client, spec, exitOf, logOf, state }) => {
      const second = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
      await second.connect();
      const wanted = spec('lives', { script: 'while ! [ -e "$GO" ]; do sleep 0.02; done; echo after; exit 5' });
      const go = path.join(path.dirname(wanted.stdio.logPath), 'go');
      await second.create({ ...wanted, env: { ...wanted.env, GO: go } });
      const { pid: doomed } = await second.create(spec('dies', { script: 'exec sleep 60' }));
      client.disconnect();
      second.disconnect();
      process.kill(await keeperOf(state), 'SIGKILL');
      process.kill(doomed, 'SIGKILL');
      await client.connect();
      assert.deepEqual((await exitOf('dies')).exit?.exitCode, undefined);
      fs.writeFileSync(go, '');
      assert.equal((await exitOf('lives')).exit?.exitCode, 5);
      assert.deepEqual(
        logOf('lives').map(([, , text]) => text),
        ['[crib: keeper restarted, output may be missing]', 'after'],
      );
    });
  },
);

async function keeperOf(state: string): Promise<number> {
  return Number(fs.readFileSync(path.join(state, 'keeper.lock'), 'utf8'));
}

test('what is held goes with its container, also in a client that has just come', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, state }) => {
    await client.create(spec('warm', { script: 'true' }));
    await exitOf('warm');
    await client.forget('warm');
    const before = openHere();
    const ids = Array.from({ length: 150 }, (_, index) => `c${index}`);
    const made: Promise<KeptContainer>[] = ids.map((id) => client.create(spec(id, { script: 'exec sleep 60' })));
    await Promise.all(made);
    assert.equal(openHere(), before + 3 * ids.length, 'a pidfd and two FIFOs of each');
    const second = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
    await second.connect();
    const both = openHere();
    assert.ok(both >= before + 6 * ids.length, 'more than one message has room for');
    for (const id of ids) await client.signal(id, 9);
    for (const id of ids) await exitOf(id);
    await second.list();
    second.disconnect();
    await until(() => openHere() === before, 'all are closed');
    for (const id of ids) await client.forget(id);
  });
});
