import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { unmountIfMounted } from '../../../runtime/containers/rootfs.js';
import { pinNamespaces } from '../../../sandbox/host/namespaces.js';

let directory: string;
const KINDS = ['net', 'ipc', 'uts'] as const;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-ns-'));
});

afterEach(() => {
  for (const kind of KINDS) unmountIfMounted(path.join(directory, kind));
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
