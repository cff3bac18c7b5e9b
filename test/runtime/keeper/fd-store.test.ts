import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { FdStore, takeStored } from '../../../runtime/keeper/fd-store.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { bindDatagrams } from './datagrams.js';

const URL = new globalThis.URL('../../../runtime/keeper/fd-store.js', import.meta.url).href;

test('descriptors are stored and removed by name, as systemd is told it', () => {
  const manager = bindDatagrams('crib-fd-store-test');
  const { reader, writer } = makePipe();
  const store = new FdStore('@crib-fd-store-test');
  store.give('c.1', { stdin: writer, pidfd: reader });
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
