import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makePodFiles, makePodShm, podFiles, writeHosts } from '../../../sandbox/pod/pod-files.js';
import type { PodRecord } from '../../../sandbox/pod-record.js';
import { podRecord } from '../../support/records.js';

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-pod-files-'));
});
afterEach(() => {
  spawnSync('umount', ['-l', path.join(directory, 'shm')]);
  fs.rmSync(directory, { recursive: true });
});

const text = (name: string) => fs.readFileSync(path.join(directory, name), 'utf8');

function pod(config: Partial<PodRecord['config']> = {}, change: Partial<PodRecord> = {}): PodRecord {
  const record = podRecord('p');
  return { ...record, ...change, config: { ...record.config, hostname: 'box', ...config } };
}

test('hostname and resolv.conf, as the client wants them, else as the node has them', async () => {
  const dns = { servers: ['10.0.0.10', 'fd00::a'], searches: ['a.svc', 'svc'], options: ['ndots:5', 'edns0'] };
  await makePodFiles(pod({ dns }), directory);
  assert.equal(text('hostname'), 'box\n');
  assert.equal(
    text('resolv.conf'),
    'search a.svc svc\nnameserver 10.0.0.10\nnameserver fd00::a\noptions ndots:5 edns0\n',
  );
  const none = { servers: [], searches: [], options: [] };
  const node = fs.existsSync('/etc/resolv.conf') ? fs.readFileSync('/etc/resolv.conf', 'utf8') : '';
  for (const dns of [none, undefined]) {
    await makePodFiles(pod({ dns, hostname: '' }), directory);
    assert.deepEqual([text('resolv.conf'), text('hostname')], [node, `${os.hostname()}\n`]);
  }
});

test('hosts are the pod’s own names, or the node’s where it has the node’s network', async () => {
  const ips = ['10.1.2.3', 'fd00::3'];
  await writeHosts(pod({}, { ips, namespaces: { ...podRecord('p').namespaces, network: '/run/net' } }), directory);
  assert.equal(
    text('hosts'),
    '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.1.2.3\tbox\nfd00::3\tbox\n',
  );
  await writeHosts(pod({}, { ips }), directory);
  assert.equal(text('hosts'), fs.existsSync('/etc/hosts') ? fs.readFileSync('/etc/hosts', 'utf8') : '');
});

test('everybody may read them, whatever the umask, and to a user namespace they are root’s', async () => {
  const before = process.umask(0o077);
  try {
    const user = {
      path: '/run/user',
      uids: [{ containerId: 0, hostId: 70_000, length: 10 }],
      gids: [{ containerId: 0, hostId: 80_000, length: 10 }],
    };
    const record = pod({}, { namespaces: { ...podRecord('p').namespaces, ipc: '/run/ipc', user } });
    await makePodFiles(record, directory);
    await writeHosts(record, directory);
    await makePodShm(record, directory);
    for (const { source } of podFiles(record, directory)) {
      const { uid, gid, mode } = fs.statSync(source);
      assert.deepEqual([uid, gid, mode & 0o7777], [70_000, 80_000, source.endsWith('shm') ? 0o1777 : 0o644], source);
    }
  } finally {
    process.umask(before);
  }
  const [line = ''] = fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((one) => one.includes(`${directory}/shm`));
  assert.match(line, /nosuid,nodev,noexec.* - tmpfs shm .*size=65536k/);
});

test('a pod with the node’s IPC has its shared memory, and none is mounted', async () => {
  const record = pod();
  await makePodShm(record, directory);
  assert.deepEqual(fs.readdirSync(directory), []);
  assert.equal(podFiles(record, directory).find(({ destination }) => destination === '/dev/shm')?.source, '/dev/shm');
});
