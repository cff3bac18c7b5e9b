import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { unmountIfMounted } from '../../../runtime/containers/rootfs.js';
import { PINNED, pinNamespaces } from '../../../sandbox/pod/namespaces.js';

let directory: string;
const KINDS = ['net', 'ipc', 'uts'] as const;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-ns-'));
});

afterEach(() => {
  for (const kind of PINNED) unmountIfMounted(path.join(directory, kind));
  fs.rmSync(directory, { recursive: true });
});

const own = () => KINDS.map((kind) => fs.readlinkSync(`/proc/thread-self/ns/${kind}`));

function inside(...command: string[]): string {
  const enter = [`--net=${directory}/net`, `--ipc=${directory}/ipc`, `--uts=${directory}/uts`];
  return execFileSync('nsenter', [...enter, '--', ...command], { encoding: 'utf8', timeout: 10_000 }).trim();
}

test('new namespaces are pinned, configured, and left again', () => {
  const before = own();
  const hostname = os.hostname();
  pinNamespaces({
    kinds: KINDS,
    directory,
    hostname: 'pinned-pod',
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0', 'kernel.msgmax': '9999', 'fs.mqueue.msg_max': '20' },
  });
  assert.deepEqual(own(), before);
  assert.equal(os.hostname(), hostname);
  assert.equal(inside('hostname'), 'pinned-pod');
  assert.match(inside('ip', '-o', 'link', 'show', 'lo'), /[<,]UP[,>]/);
  assert.equal(inside('cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start'), '0');
  assert.equal(inside('cat', '/proc/sys/kernel/msgmax'), '9999');
  assert.notEqual(fs.readFileSync('/proc/sys/kernel/msgmax', 'utf8').trim(), '9999');
});

test('a sysctl that cannot be set fails the whole and leaves this thread at home', () => {
  const before = own();
  assert.throws(
    () => pinNamespaces({ kinds: KINDS, directory, hostname: 'x', sysctls: { 'net.ipv4.no_such_thing': '1' } }),
    { code: 'ENOENT' },
  );
  assert.deepEqual(own(), before);
});

test('in a user namespace its root owns the others, whose sysctls are set, and no process is left', () => {
  const before = own();
  const range = [{ containerId: 0, hostId: 100_000, length: 1000 }];
  const userNamespace = { uids: range, gids: [{ containerId: 0, hostId: 200_000, length: 2000 }] };
  const sysctls = { 'net.ipv4.ip_unprivileged_port_start': '0', 'kernel.msgmax': '9999', 'fs.mqueue.msg_max': '20' };
  const children = () => fs.readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  const childrenBefore = children();
  pinNamespaces({ kinds: KINDS, directory, hostname: 'mapped', sysctls, userNamespace });
  assert.deepEqual(own(), before);
  assert.equal(process.geteuid?.(), 0);
  assert.equal(children(), childrenBefore);
  const mapped = (...command: string[]) =>
    execFileSync('nsenter', [`--user=${directory}/user`, `--net=${directory}/net`, '--', ...command], {
      encoding: 'utf8',
    });
  assert.match(mapped('cat', '/proc/self/uid_map'), /^\s*0\s+100000\s+1000\s*$/);
  assert.match(mapped('cat', '/proc/self/gid_map'), /^\s*0\s+200000\s+2000\s*$/);
  assert.match(
    mapped('ip', 'address', 'add', '10.1.1.1/32', 'dev', 'lo'),
    /^$/,
    'its root rules the network namespace',
  );
  assert.equal(inside('hostname'), 'mapped');
  assert.equal(inside('cat', '/proc/sys/kernel/msgmax'), '9999');
  assert.match(inside('ip', '-o', 'link', 'show', 'lo'), /[<,]UP[,>]/);
});

test('a mapping that the kernel refuses is said with its ids', () => {
  const twice = [
    { containerId: 0, hostId: 1000, length: 10 },
    { containerId: 0, hostId: 2000, length: 10 },
  ];
  const request = { kinds: KINDS, directory, hostname: '', sysctls: {}, userNamespace: { uids: twice, gids: twice } };
  assert.throws(() => pinNamespaces(request), { code: 'FAILED_PRECONDITION', message: /0 1000 10, 0 2000 10/ });
});
