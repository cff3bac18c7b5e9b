import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { staticBusybox } from '../../support/images-debian.js';
import { daemon, type Harness, KEEPER_PATH, QUIET_LOG, withKeeper } from './harness.js';

const RUNC = '/usr/sbin/runc';
const LIMIT = { timeout: 60_000, skip: fs.existsSync(RUNC) ? false : 'no runc' };
const BUSYBOX = await staticBusybox();
const CGROUP = '/sys/fs/cgroup/pids/crib-keeper-test';
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** A bundle with busybox alone in its root. */
function makeBundle(root: string, id: string, script: string, terminal: boolean, sharedPid: boolean): string {
  const bundle = path.join(root, `bundle-${id}`);
  for (const name of ['bin', 'proc', 'dev']) fs.mkdirSync(path.join(bundle, 'rootfs', name), { recursive: true });
  fs.copyFileSync(BUSYBOX, path.join(bundle, 'rootfs/bin/busybox'));
  for (const name of ['sh', 'sleep', 'echo', 'stty']) fs.symlinkSync('busybox', path.join(bundle, 'rootfs/bin', name));
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal,
      user: { uid: 1000, gid: 1000 },
      args: ['/bin/sh', '-c', script],
      env: ['PATH=/bin'],
      cwd: '/',
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
    ],
    linux: {
      cgroupsPath: `/crib-keeper-test/${id}`,
      namespaces: ['mount', 'ipc', 'uts', ...(sharedPid ? [] : ['pid'])].map((type) => ({ type })),
    },
  };
  fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

interface Started {
  readonly harness: Harness;
  start(id: string, script: string, options?: { tty?: boolean; sharedPid?: boolean }): Promise<void>;
}

async function withRunc(body: (started: Started) => Promise<void>): Promise<void> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-runc-'));
  const ids: string[] = [];
  const runc = (...args: string[]) => [RUNC, '--root', path.join(root, 'runc'), ...args];
  try {
    await withKeeper(async (harness) => {
      const { client, spec } = harness;
      await body({
        harness,
        start: async (id, script, { tty = false, sharedPid = false } = {}) => {
          ids.push(id);
          const runtimeLog = path.join(root, `${id}.json`);
          const logging = ['--log', runtimeLog, '--log-format', 'json'];
          const create = [
            'create',
            '--bundle',
            makeBundle(root, id, script, tty, sharedPid),
            '--pid-file',
            '{pidFile}',
          ];
          const console = tty ? ['--console-socket', '{consoleSocket}'] : [];
          const createArgv = [...runc(...logging, ...create), ...console, id];
          const cgroupDirs = [path.join(CGROUP, id)];
          await client.create(spec(id, { createArgv, runtimeLog, cgroupDirs, stdio: { tty, uid: 1000, gid: 1000 } }));
          await client.run(runc('start', id), env, 10_000);
        },
      });
    });
  } finally {
    for (const id of ids) spawnSync(RUNC, runc('delete', '--force', id).slice(1));
    for (const hierarchy of fs.readdirSync('/sys/fs/cgroup')) {
      spawnSync('rmdir', [path.join('/sys/fs/cgroup', hierarchy, 'crib-keeper-test')]);
    }
    fs.rmSync(root, { recursive: true, force: true });
  }
}

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
