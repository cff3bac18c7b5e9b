import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError } from '../../../runtime/errors.js';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { makeCgroup } from '../../support/cgroup.js';
import { until } from '../../support/until.js';
import { daemon, KEEPER_PATH, QUIET_LOG, withKeeper } from './harness.js';

const LIMIT = { timeout: 60_000 };
const descriptors = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;
const runs = (seconds: number) => spawnSync('pgrep', ['-x', '-f', `sleep ${seconds}`]).status === 0;
const code = (wanted: string) => (error: unknown) => error instanceof CribError && error.code === wanted;

test('exit codes and signals are recorded and told', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, state }) => {
    const told: string[] = [];
    client.onExit((container) => told.push(container.id));
    await client.create(spec('seven', { script: 'exit 7' }));
    await client.create(spec('killed', { script: 'exec sleep 60' }));
    await client.signal('killed', 15);
    assert.equal((await exitOf('seven')).exit?.exitCode, 7);
    const killed = (await exitOf('killed')).exit;
    assert.deepEqual([killed?.exitCode, killed?.signal], [143, 15]);
    assert.deepEqual(told.sort(), ['killed', 'seven']);
    await client.signal('killed', 9);
    await client.forget('seven');
    await client.forget('seven');
    assert.deepEqual(fs.readdirSync(path.join(state, 'keeper')), ['killed.json']);
  });
});

test('lines, partial lines, binary and two streams reach the log', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, logOf }) => {
    const script = `printf 'a\\n\\nbb'; sleep 0.05; printf 'b\\n\\377\\000\\n'; echo e >&2; sleep 0.05; printf 'end'`;
    await client.create(spec('lines', { script }));
    await client.create(spec('long', { script: `printf '0123456789ABCDE\\n01234567\\n'`, stdio: { maxLineBytes: 8 } }));
    await exitOf('lines');
    await exitOf('long');
    const lines = logOf('lines');
    assert.deepEqual(
      lines.filter(([stream]) => stream === 'stdout').map(([, tag, text]) => tag + text),
      ['Fa', 'F', 'Fbbb', 'F\xff\0', 'Pend'],
    );
    assert.deepEqual(
      lines.filter(([stream]) => stream === 'stderr'),
      [['stderr', 'F', 'e']],
    );
    assert.deepEqual(
      logOf('long').map(([, tag, text]) => tag + text),
      ['P01234567', 'F89ABCDE', 'F01234567'],
    );
  });
});

test('100,000 lines stay in order over rotations', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf }) => {
    const wanted = spec('many', { script: 'seq 1 50000; sleep 0.3; seq 50001 100000' });
    const rotated: string[] = [];
    await client.create(wanted);
    for (let index = 0; index < 5; index++) {
      const old = `${wanted.stdio.logPath}.${index}`;
      fs.renameSync(wanted.stdio.logPath, old);
      rotated.push(old);
      await client.reopenLog('many').catch(() => fs.writeFileSync(wanted.stdio.logPath, ''));
      await sleep(30);
    }
    await exitOf('many');
    const text = [...rotated, wanted.stdio.logPath].map((file) => fs.readFileSync(file, 'latin1')).join('');
    const numbers = text
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split(' ')[3]));
    assert.equal(numbers.length, 100_000);
    assert.ok(numbers.every((number, index) => number === index + 1));
  });
});

test('a container without stdin reads nothing', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, logOf }) => {
    await client.create(spec('null', { script: 'cat; echo eof' }));
    await exitOf('null');
    assert.deepEqual(
      logOf('null').map(([, , text]) => text),
      ['eof'],
    );
  });
});

test('exec gives output, exit code and limits, and does not wait for the background', LIMIT, async () => {
  await withKeeper(async ({ client, state }) => {
    const exec = (script: string, timeoutMs = 0, maxOutputBytes = 1 << 20, signal?: AbortSignal) => {
      const pidFile = path.join(state, 'exec.pid');
      const argv = ['sh', '-c', script];
      return client.exec({ argv, env: { PATH: '/usr/bin:/bin' }, pidFile, timeoutMs, maxOutputBytes }, signal);
    };
    const plain = await exec('echo out; echo err >&2; echo again >/dev/stdout; exit 3');
    assert.deepEqual([plain.exitCode, `${plain.stdout}`, `${plain.stderr}`], [3, 'out\nagain\n', 'err\n']);
    assert.equal((await exec('head -c 3000000 /dev/zero', 0, 2_500_000)).stdout.length, 2_500_000);
    assert.ok(process.kill(Number((await exec('sleep 1000 & echo $!')).stdout), 'SIGKILL'), 'it still runs');
    const late = await exec(`echo $$ > ${state}/exec.pid; echo before; setsid sleep 61 & wait`, 200);
    assert.deepEqual([late.timedOut, `${late.stdout}`], [true, 'before\n']);
    assert.equal(spawnSync('pgrep', ['-x', '-f', 'sleep 61']).status, 1, 'a descendant lives on after the timeout');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(exec('sleep 30', 0, 10, abort.signal), code('CANCELLED'));
    await assert.rejects(
      client.exec({ argv: ['/no/such'], env: {}, pidFile: '', timeoutMs: 0, maxOutputBytes: 1 }),
      code('INTERNAL'),
    );
    await assert.rejects(client.run(['sh', '-c', 'echo why >&2; exit 1'], {}, 1000), /exit code 1: why/);
  });
});

test('children have the soft file limit that the keeper was started with', LIMIT, async () => {
  await withKeeper(async ({ client }) => {
    const argv = ['sh', '-c', 'ulimit -Sn'];
    const { stdout } = await client.exec({ argv, env: {}, pidFile: '', timeoutMs: 0, maxOutputBytes: 99 });
    assert.equal(`${stdout}`, '1024\n');
  });
});

test('a failed create says why and leaves nothing but its empty log', LIMIT, async () => {
  await withKeeper(async ({ client, spec, state }) => {
    const before = descriptors(client.pid);
    const runtimeLog = path.join(state, 'runtime.log');
    fs.writeFileSync(runtimeLog, '{"level":"warning","msg":"no"}\n{"level":"error","msg":"no such rootfs"}\n');
    const byLog = spec('log', { createArgv: ['false'], runtimeLog });
    await assert.rejects(client.create(byLog), /no such rootfs/);
    const byStderr = spec('stderr', { createArgv: ['sh', '-c', 'echo it broke >&2; exit 1'] });
    await assert.rejects(client.create(byStderr), /it broke/);
    const [shell = '', option = '', script = '', ...rest] = daemon('exec sleep 62');
    const initLeft = spec('init', { createArgv: [shell, option, `${script}; exit 1`, ...rest] });
    await assert.rejects(client.create(initLeft));
    const late = spec('late', { createArgv: ['sleep', '63'], createTimeoutMs: 100 });
    await assert.rejects(client.create(late), code('DEADLINE_EXCEEDED'));
    for (const seconds of [62, 63]) await until(() => !runs(seconds), `sleep ${seconds} is killed`);
    for (const { directory, stdio } of [byLog, byStderr, initLeft, late]) {
      assert.equal(fs.existsSync(directory), false);
      assert.equal(fs.readFileSync(stdio.logPath, 'utf8'), '');
    }
    assert.deepEqual(fs.readdirSync(path.join(state, 'keeper')), []);
    assert.equal(descriptors(client.pid), before);
    await assert.rejects(client.create({ ...byLog, id: '../x' }), code('INVALID_ARGUMENT'));
  });
});

test('50 containers leave no descriptor behind', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf }) => {
    await client.create(spec('warm', { script: 'true' }));
    await exitOf('warm');
    const before = descriptors(client.pid);
    const ids = Array.from({ length: 50 }, (_, index) => `c${index}`);
    await Promise.all(ids.map((id) => client.create(spec(id, { script: 'echo x; exit 2' }))));
    for (const id of ids) assert.equal((await exitOf(id)).exit?.exitCode, 2);
    await Promise.all(ids.map((id) => client.forget(id)));
    assert.equal(descriptors(client.pid), before);
  });
});

test('a keeper killed by SIGKILL is replaced, and the next one takes the containers over', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, logOf }) => {
    const script = 'echo before; while ! [ -e "$GO" ]; do sleep 0.02; done; echo after; exit 5';
    const wanted = spec('kept', { script });
    const go = path.join(path.dirname(wanted.stdio.logPath), 'go');
    await client.create({ ...wanted, env: { ...wanted.env, GO: go } });
    await client.create(spec('ended', { script: 'exit 4' }));
    await exitOf('ended');
    const old = client.pid;
    process.kill(old, 'SIGKILL');
    await until(() => !client.connected || client.pid !== old, 'the client sees the death of the keeper');
    assert.equal((await client.list()).length, 2);
    assert.notEqual(client.pid, old);
    fs.writeFileSync(go, '');
    const exit = (await exitOf('kept')).exit;
    assert.equal(exit?.exitCode, 5); // Linux 6.15 and later
    assert.equal((await exitOf('ended')).exit?.exitCode, 4);
    assert.deepEqual(
      logOf('kept').map(([, , text]) => text),
      ['before', '[crib: keeper restarted, output may be missing]', 'after'],
    );
  });
});

test('two clients find the same keeper, and garbage ends only the connection it came on', LIMIT, async () => {
  await withKeeper(async ({ client, state, spec, exitOf }) => {
    const other = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
    await other.connect();
    assert.equal(other.pid, client.pid);
    await client.create(spec('one', { script: 'exec sleep 1000' }));
    await assert.rejects(other.create(spec('one', {})), code('ALREADY_EXISTS'));
    await assert.rejects(other.forget('one'), code('FAILED_PRECONDITION'));
    await client.signal('one', 9);
    await exitOf('one', other);
    other.disconnect();
    for (const bytes of ['\xff\xff\xff\xff', '\0\0\0\x02[]', '\0\0\0\x03{{{', '\0\0\0\x0d{"hello":999}']) {
      const socket = net.connect(path.join(state, 'keeper.sock'));
      socket.on('error', () => undefined);
      socket.resume().write(Buffer.from(bytes, 'latin1'));
      await new Promise((resolve) => socket.once('close', resolve));
    }
    assert.equal((await client.list()).length, 1);
  });
});

test('a full disk holds output up, then drops it, and the log says so', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf }) => {
    const wanted = spec('full', { script: 'seq 1 60000; sleep 1.5; seq 60001 60010' });
    const disk = path.dirname(wanted.stdio.logPath);
    fs.mkdirSync(disk, { recursive: true });
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'crib-test', disk]).status, 0);
    try {
      await client.create(wanted);
      await until(() => fs.statfsSync(disk).bavail === 0, 'the disk is full');
      assert.equal(spawnSync('mount', ['-o', 'remount,size=64m', disk]).status, 0);
      await exitOf('full');
      const lines = fs.readFileSync(wanted.stdio.logPath, 'latin1').trimEnd().split('\n');
      assert.equal(lines.length, 60_010);
      assert.ok(lines.every((line, index) => line.endsWith(` F ${index + 1}`)));
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });
});

test('a keeper killed in the middle of a create is followed by one that undoes it', LIMIT, async () => {
  await withKeeper(async ({ client, spec, state }) => {
    const cgroup = makeCgroup('crib-half');
    const processes = path.join(cgroup, 'cgroup.procs');
    const [shell = '', option = '', script = '', ...rest] = daemon(`echo 0 >${processes}; exec sleep 66`);
    const createArgv = [shell, option, `${script}; exec sleep 65`, ...rest];
    const wanted = spec('half', { createArgv, cgroupDirs: [cgroup] });
    const creating = assert.rejects(client.create(wanted), code('UNAVAILABLE'));
    const intent = path.join(state, 'keeper', 'half.json');
    await until(() => runs(65) && runs(66), 'the runtime works');
    await until(() => fs.readFileSync(intent, 'utf8').includes('creator'), 'what works is written down');
    process.kill(client.pid, 'SIGKILL');
    await creating;
    assert.deepEqual(await client.list(), []);
    fs.rmdirSync(cgroup);
    for (const seconds of [65, 66]) await until(() => !runs(seconds), `sleep ${seconds} is killed`);
    assert.equal(fs.existsSync(wanted.directory), false);
    assert.deepEqual(fs.readdirSync(path.join(state, 'keeper')), []);
  });
});
