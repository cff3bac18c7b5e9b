import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { daemon, KEEPER_PATH, QUIET_LOG, withKeeper } from './harness.js';
import { NO_RUNC, withRunc } from './runc.js';

const LIMIT = { timeout: 60_000, skip: NO_RUNC };

test('a container of runc: exit code, log, /dev/stdout of a user who is not root', LIMIT, async () => {
  await withRunc(async ({ harness: { exitOf, logOf }, start }) => {
    await start('plain', 'echo one; echo two >/proc/self/fd/1; echo three >&2; exit 9');
    assert.equal((await exitOf('plain')).exit?.exitCode, 9);
    assert.deepEqual(
      logOf('plain')
        .map(([, , text]) => text)
        .sort(),
      ['one', 'three', 'two'],
    );
  });
});

test('a terminal of runc goes to the log', LIMIT, async () => {
  await withRunc(async ({ harness: { exitOf, logOf }, start }) => {
    await start('tty', 'stty >/dev/null && echo terminal; exit 3', { tty: true });
    assert.equal((await exitOf('tty')).exit?.exitCode, 3);
    assert.deepEqual(logOf('tty'), [['stdout', 'F', 'terminal\r']]);
  });
});

test('in a shared PID namespace what init leaves behind is killed with it', LIMIT, async () => {
  await withRunc(async ({ harness: { exitOf }, start }) => {
    await start('shared', 'sleep 64 & exit 0', { sharedPid: true });
    assert.equal((await exitOf('shared')).exit?.exitCode, 0);
    assert.equal(spawnSync('pgrep', ['-x', '-f', 'sleep 64']).status, 1);
  });
});

test('a client that is killed loses no line and no exit code', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, logOf, state }) => {
    const wanted = spec('lone', { createArgv: daemon('seq 1 20000; sleep 0.3; seq 20001 40000; exit 6') });
    const url = new URL('../../../runtime/keeper/client.js', import.meta.url).href;
    const options = JSON.stringify({ state, keeperPath: KEEPER_PATH });
    const program = `
      const { KeeperClient } = await import(${JSON.stringify(url)});
      const quiet = () => {};
      const client = new KeeperClient({ ...${options}, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
      await client.connect();
      await client.create(${JSON.stringify(wanted)});
      process.kill(process.pid, 'SIGKILL');`;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 });
    assert.equal(ended.signal, 'SIGKILL', String(ended.stderr));
    assert.equal((await exitOf('lone')).exit?.exitCode, 6);
    assert.ok(logOf('lone').every(([, , text], index) => text === String(index + 1)));
    assert.equal(logOf('lone').length, 40_000);
    const second = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
    await second.connect();
    assert.equal(second.pid, client.pid);
    second.disconnect();
  });
});
