import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { FdStore, takeStored } from '../../../runtime/keeper/fd-store.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import { until } from '../../support/until.js';
import { bindDatagrams } from './datagrams.js';
import { daemon, KEEPER_PATH, QUIET_LOG } from './harness.js';
import { Unit } from './unit.js';

const URL = new globalThis.URL('../../../runtime/keeper/fd-store.js', import.meta.url).href;

test('descriptors are stored and removed by name, as systemd is told it', () => {
  const manager = bindDatagrams('crib-fd-store-test');
  const { reader, writer } = makePipe();
  const store = new FdStore('@crib-fd-store-test');
  store.give('c.1', () => ({ stdin: writer, pidfd: reader }));
  store.drop('c.1', ['stdin']);
  store.ready();
  const messages = manager.all();
  assert.deepEqual(
    messages.map(({ data }) => data.toString()),
    [
      'FDSTORE=1\nFDPOLL=0\nFDNAME=c.1.pidfd',
      'FDSTORE=1\nFDPOLL=0\nFDNAME=c.1.stdin',
      'FDSTOREREMOVE=1\nFDNAME=c.1.stdin',
      `READY=1\nMAINPID=${process.pid}`,
    ],
  );
  const [, stored] = messages;
  fs.writeSync(stored?.descriptors[0] ?? -1, 'x');
  assert.equal(fs.readSync(reader, Buffer.alloc(1)), 1, 'it is the same pipe');
  for (const { descriptors } of messages) for (const fd of descriptors) fs.closeSync(fd);
  for (const fd of [reader, writer]) fs.closeSync(fd);
  manager.close();
  store.drop('c.1');
  store.close();
  assert.throws(() => new FdStore('/no/such/socket'), { code: 'ENOENT' });
});

test('what a service manager passes is found by container, and what is not ours is closed', () => {
  const { reader, writer } = makePipe();
  const program = `
    const { takeStored } = await import(${JSON.stringify(URL)});
    process.env.LISTEN_PID = String(process.pid);
    const taken = takeStored(process.env);
    const left = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'));
    const { readlinkSync } = await import('node:fs');
    const pipes = [3, 5].map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return 'closed'; } });
    console.log(JSON.stringify({ taken, left, same: pipes[0] === pipes[1] }));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe', reader, writer, reader],
    env: { ...process.env, LISTEN_FDS: '3', LISTEN_FDNAMES: 'c.1.stdout:c.1.stdin:stored' },
  });
  const { taken, left, same } = JSON.parse(String(child.stdout));
  assert.deepEqual(taken, [{ id: 'c.1', descriptors: { stdout: 3, stdin: 4 } }]);
  assert.deepEqual(left, []);
  assert.equal(same, false, 'what is not named is closed');
  for (const fd of [reader, writer]) fs.closeSync(fd);
  assert.deepEqual(takeStored({ LISTEN_PID: '1', LISTEN_FDS: '3' }), [], 'they are meant for another process');
});

test('what the service manager has no room for waits; of what was closed or dropped meanwhile nothing is stored', async () => {
  const manager = bindDatagrams('crib-fd-store-full');
  const store = new FdStore('@crib-fd-store-full');
  const { reader, writer } = makePipe();
  for (let index = 0; index < 600; index++) store.give(`c${index}`, () => ({ stdout: reader }));
  let open = true;
  store.give('closed', () => (open ? { stdin: 1_000_000 } : {}));
  open = false;
  store.give('dropped', () => ({ stdin: writer }));
  store.drop('dropped', ['stdin']);
  store.ready();
  const told: string[] = [];
  const take = () => {
    for (const { data, descriptors } of manager.all()) {
      told.push(data.toString());
      for (const fd of descriptors) fs.closeSync(fd);
    }
  };
  await until(() => {
    take();
    return told.at(-1)?.startsWith('READY=1') === true;
  }, 'all of it arrives');
  const stored = Array.from({ length: 600 }, (_, index) => `FDSTORE=1\nFDPOLL=0\nFDNAME=c${index}.stdout`);
  const removed = 'FDSTOREREMOVE=1\nFDNAME=dropped.stdin';
  assert.deepEqual(told, [...stored, removed, `READY=1\nMAINPID=${process.pid}`]);
  for (const fd of [reader, writer]) fs.closeSync(fd);
  store.close();
  manager.close();
});

test('a service manager that starts again is told on its new socket', async () => {
  const first = bindDatagrams('crib-fd-store-again');
  const store = new FdStore('@crib-fd-store-again');
  first.close();
  store.drop('c.1', ['stdin']);
  const second = bindDatagrams('crib-fd-store-again');
  const told: string[] = [];
  await until(() => {
    told.push(...second.all().map(({ data }) => data.toString()));
    return told.length > 0;
  }, 'it is told');
  assert.deepEqual(told, ['FDSTOREREMOVE=1\nFDNAME=c.1.stdin']);
  store.close();
  second.close();
});

test('cribd and keeper die at once: the unit’s next keeper gets all back, and knows how what ended meanwhile has', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-unit-'));
  const unit = new Unit(path.join(root, 'state'));
  await unit.start();
  const client = new KeeperClient({ state: unit.state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
  await client.connect();
  const spec = (id: string, script: string) => ({
    ...{ id, directory: path.join(root, id), createArgv: daemon(script), env: { PATH: process.env.PATH ?? '' } },
    ...{ runtimeLog: '', createTimeoutMs: 60_000, cgroupDirs: [] },
    stdio: { tty: false, stdin: true, stdinOnce: false, uid: 0, gid: 0, logPath: '', maxLineBytes: 1000 },
  });
  await client.create(spec('ends', `trap 'exit 7' TERM; echo up; sleep 1000 & wait`));
  const { pid } = (await client.list())[0] ?? assert.fail();
  await client.create(spec('reads', 'read x; exit 8'));
  unit.take();
  const names = ['pidfd', 'stdin', 'stdout', 'stderr'];
  const all = ['ends', 'reads'].flatMap((id) => names.map((name) => `${id}.${name}`));
  assert.deepEqual([...unit.stored.keys()].sort(), all.sort());
  client.disconnect();
  await unit.kill();
  process.kill(pid, 'SIGTERM');
  await until(() => startTimeOf(pid) === undefined, 'it has ended');
  // What was forgotten while the manager took no message.
  unit.stored.set('gone.stdin', fs.openSync('/dev/null', 'r'));
  fs.rmSync(path.join(root, 'reads', 'stdin'));
  await unit.start();
  await client.connect();
  const exitOf = async (id: string) => (await client.list()).find((container) => container.id === id)?.exit;
  await until(async () => (await exitOf('ends')) !== undefined, 'its exit is known');
  assert.equal((await exitOf('ends'))?.exitCode, 7);
  await until(async () => {
    unit.take();
    return [...unit.stored.keys()].every((name) => name !== 'gone.stdin' && name !== 'reads.stdin');
  }, 'what nobody wants any more is not stored any more');
  unit.take();
  await until(async () => (await exitOf('reads')) !== undefined, 'stdin that was closed has ended');
  await until(() => {
    unit.take();
    return unit.stored.size === 0;
  }, 'nothing is stored of what has ended');
  for (const id of ['ends', 'reads']) await client.forget(id);
  await client.shutdown();
  unit.close();
  fs.rmSync(root, { recursive: true });
});
