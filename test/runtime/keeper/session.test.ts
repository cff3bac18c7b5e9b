import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import type { KeptProcess, KeptSessionSpec } from '../../../runtime/keeper/protocol.js';
import { until } from '../../support/until.js';
import { KEEPER_PATH, QUIET_LOG, withKeeper } from './harness.js';
import { clientPipes } from './pipes.js';
import { sessionSpec } from './session-spec.js';

const LIMIT = { timeout: 60_000 };
const NEVER = new AbortController().signal;
const descriptors = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;
const runs = (command: string) => spawnSync('pgrep', ['-x', '-f', command]).status === 0;
test('stdin with its end, output, exit code and signal', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const pipes = clientPipes();
    const started: KeptProcess[] = [];
    const code = harness.client.session(
      sessionSpec(harness, 'cat; exit 3', pipes),
      (process) => {
        started.push(process);
        pipes.handedOver();
      },
      NEVER,
    );
    while (started.length === 0) await sleep(5);
    pipes.stdin.end('hello');
    assert.equal(await code, 3);
    assert.equal(await pipes.stdout, 'hello');
    assert.match(started[0]?.startTime ?? '', /^\d+$/);
    pipes.close();
    const killed = clientPipes(['stdout']);
    assert.equal(
      await harness.client.session(sessionSpec(harness, 'kill -15 $$', killed), killed.handedOver, NEVER),
      143,
    );
    killed.close();
  });
});

test(
  'a command that ends at once still has its exit code, many at a time, and no descriptor stays',
  LIMIT,
  async () => {
    await withKeeper(async (harness) => {
      const before = descriptors(harness.client.pid);
      const run = async (code: number) => {
        const pipes = clientPipes(['stdout']);
        const seen = await harness.client.session(sessionSpec(harness, `exit ${code}`, pipes), pipes.handedOver, NEVER);
        pipes.close();
        return seen;
      };
      const codes = Array.from({ length: 30 }, (_, index) => index);
      assert.deepEqual(await Promise.all(codes.map(run)), codes);
      assert.equal(descriptors(harness.client.pid), before);
    });
  },
);

test('one that cannot be started says why', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const pipes = clientPipes();
    const runtimeLog = path.join(harness.state, 'runtime.log');
    fs.writeFileSync(runtimeLog, '{"level":"error","msg":"no such program"}\n');
    const failing = sessionSpec(harness, '', pipes, { argv: ['false'], runtimeLog });
    const session = (change: Partial<KeptSessionSpec>) =>
      harness.client.session({ ...failing, ...change }, () => assert.fail('started'), NEVER);
    await assert.rejects(session({}), { code: 'UNKNOWN', message: /no such program/ });
    await assert.rejects(session({ argv: ['/no/such'] }), { code: 'INTERNAL' });
    await assert.rejects(session({ argv: ['true'] }), { message: /ENOENT/ }, 'it wrote no pid');
    await assert.rejects(session({ argv: ['sleep', '79'], startTimeoutMs: 100 }), { code: 'DEADLINE_EXCEEDED' });
    await assert.rejects(session({ pidFile: 'relative' }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(session({ pipes: { stdin: { pid: 1, fd: 1.5, inode: '' } } }), { code: 'INVALID_ARGUMENT' });
    assert.equal(runs('sleep 79'), false);
    pipes.close();
  });
});

test(
  'a cancelled one is dead with its descendants when that is told, also while it is being started',
  LIMIT,
  async () => {
    await withKeeper(async (harness) => {
      for (const [seconds, delay] of [
        [71, 300],
        [72, 0],
        [73, 5],
      ] as const) {
        const pipes = clientPipes();
        const abort = new AbortController();
        setTimeout(() => abort.abort(), delay);
        const script = `setsid sleep ${seconds} & sleep ${seconds}`;
        await assert.rejects(
          harness.client.session(sessionSpec(harness, script, pipes), pipes.handedOver, abort.signal),
          {
            code: 'CANCELLED',
          },
        );
        assert.equal(runs(`sleep ${seconds}`), false, `after ${delay} ms`);
        pipes.close();
      }
    });
  },
);

test('what a client has started goes with the client', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const other = new KeeperClient({ state: harness.state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
    await other.connect();
    const pipes = clientPipes(['stdout']);
    const running = new Promise<void>((resolve) => {
      const session = other.session(sessionSpec(harness, 'echo up; sleep 74', pipes), () => resolve(), NEVER);
      session.catch(() => undefined);
    });
    await running;
    other.disconnect();
    await until(() => !runs('sleep 74'), 'it is killed');
    pipes.close();
  });
});
