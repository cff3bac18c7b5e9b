import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ContainerConfig, NamespaceOptions } from '../../runtime/containers/config.js';
import type { PodConfig } from '../../sandbox/config.js';
import type { PodRuntime } from '../../sandbox/types.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { type Counts, countAll, leftOf } from '../support/leftovers.js';
import { startTestNode, type TestNode } from '../support/node.js';

const NEVER = new AbortController().signal;
const BRIDGE = 'cribtestuser0';
const HOST_ID = 100_000;
const RANGE = [{ containerId: 0, hostId: HOST_ID, length: 65_536 }];
const USER = { uids: RANGE, gids: RANGE };

let node: TestNode;
let atStart: Counts;
let attempt = 0;

const pods = (): PodRuntime => node.node().pods;
const count = () => countAll({ root: node.root, state: node.state, processes: {}, onlyOf: { bridge: BRIDGE } });

before(async () => {
  node = await startTestNode('10.203.42.0/24', BRIDGE);
  const warm = await pods().runPod(pod('warm', { pid: 'pod' }), '', NEVER);
  await start(warm, shell('true', { pid: 'pod' }));
  await pods().removePod(warm);
  atStart = await count();
});

after(() => node.stop());

function pod(name: string, change: Partial<NamespaceOptions> = {}): PodConfig {
  const config = podConfig(name);
  const namespaces = { ...config.security.namespaces, user: USER, ...change };
  return { ...config, security: { ...config.security, namespaces } };
}

function shell(
  script: string,
  change: Partial<NamespaceOptions> = {},
  security: Partial<ContainerConfig['security']> = {},
): ContainerConfig {
  attempt += 1;
  const base = containerConfig(`c${attempt}`, node.image);
  const namespaces = { ...base.security.namespaces, user: USER, ...change };
  return { ...base, command: ['sh', '-c', script], security: { ...base.security, namespaces, ...security } };
}

async function start(id: string, config: ContainerConfig): Promise<string> {
  const container = await pods().createContainer(id, config, undefined);
  await pods().startContainer(container);
  return container;
}

async function text(id: string, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await pods().execSync(id, ['sh', '-c', script], 10_000, NEVER);
  assert.equal(exitCode, 0, `${script}: ${stderr}`);
  return stdout.toString().trim();
}

test('root of a pod is root inside and somebody else outside', async () => {
  const id = await pods().runPod(pod('mapped'), '', NEVER);
  const container = await start(id, shell('echo hello > /dev/shm/x; touch /mine; sleep 1000'));
  const { pid } = pods().containerStatus(container);
  const status = await fs.readFile(`/proc/${pid}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\s+${HOST_ID}\\s`, 'm'));
  assert.match(await text(container, 'cat /proc/self/uid_map'), /^0\s+100000\s+65536$/);
  assert.equal(await text(container, 'id -u; stat -c %u:%g / /bin/busybox /mine | sort -u'), '0\n0:0');
  assert.equal(await text(container, 'stat -c %u:%g:%a /etc/hosts /etc/resolv.conf | sort -u'), '0:0:644');
  assert.equal(await text(container, 'stat -c %u:%g:%a /dev/shm'), '0:0:1777');
  assert.equal(await text(container, 'echo x >> /etc/hosts; tail -n1 /etc/hosts; cat /dev/shm/x'), 'x\nhello');
  assert.equal(await text(container, 'hostname; hostname other 2>/dev/null; hostname'), 'mapped\nmapped');
  assert.match(await text(container, 'ip -4 addr show eth0'), new RegExp(pods().podStatus(id).ips[0] ?? '-'));
  assert.equal(
    await text(container, 'echo x > /dev/null; ls /dev/null; cat /proc/sys/net/ipv4/ip_unprivileged_port_start'),
    '/dev/null\n0',
  );
  await pods().removePod(id);
  assert.deepEqual(await leftOf(atStart, count), []);
});

test('files that a container changes keep their owners, and another user has its log and its groups', async () => {
  const id = await pods().runPod({ ...pod('users'), logDirectory: path.join(node.directory, 'logs') }, '', NEVER);
  const config = shell(
    'echo to-stdout > /dev/stdout; touch /tmp/u; id; sleep 1000',
    {},
    {
      runAsUser: 1234,
      runAsGroup: 4321,
      supplementalGroups: [77],
    },
  );
  const container = await start(id, { ...config, logPath: 'c.log' });
  for (let wait = 0; wait < 100; wait += 1) {
    const log = await fs.readFile(path.join(node.directory, 'logs/c.log'), 'utf8').catch(() => '');
    if (log.includes('uid=1234')) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const log = await fs.readFile(path.join(node.directory, 'logs/c.log'), 'utf8');
  assert.match(log, /stdout F to-stdout/);
  assert.match(log, /uid=1234 gid=4321 groups=77,4321/);
  assert.equal(await text(container, 'stat -c %u:%g /tmp/u'), '1234:4321');
  const root = await start(id, shell('chown 5:6 /bin/busybox; stat -c %u:%g /bin/busybox; sleep 1000'));
  assert.equal(await text(root, 'stat -c %u:%g /bin/busybox'), '5:6');
  await pods().removePod(id);
});

test('a shared PID namespace in a user namespace, a terminal, privileged, an exit code, exec by id', async () => {
  const id = await pods().runPod(
    { ...pod('shared', { pid: 'pod' }), security: { ...pod('shared', { pid: 'pod' }).security, privileged: true } },
    '',
    NEVER,
  );
  const one = await start(id, shell('sleep 1001', { pid: 'pod' }));
  const two = await start(id, shell('sleep 1002', { pid: 'pod' }, { privileged: true }));
  const terminal = await start(id, { ...shell('tty; sleep 1003'), tty: true });
  const seen = await text(one, 'ps -o pid,args');
  for (const expected of [/^\s*1 .*catatonit/m, /sleep 1001/, /sleep 1002/]) assert.match(seen, expected);
  assert.match(await text(two, 'grep CapEff /proc/self/status; mount -t tmpfs x /mnt && echo mounted'), /mounted/);
  assert.match(await text(terminal, 'ps -o args'), /sleep 1003/);
  const target = await start(id, shell('sleep 1004', { pid: 'target', targetId: terminal }));
  assert.match(await text(target, 'ps -o args'), /sleep 1003/);
  const seven = await start(id, shell('exit 7'));
  for (let wait = 0; wait < 100 && pods().containerStatus(seven).state !== 'exited'; wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(pods().containerStatus(seven).exitCode, 7);
  await pods().removePod(id);
  assert.deepEqual(await leftOf(atStart, count), []);
});

test('sysctls of the pod are set although its namespaces belong to another root', async () => {
  const sysctls = { 'kernel.shm_rmid_forced': '1', 'net.ipv4.ip_local_port_range': '1024 65000' };
  const id = await pods().runPod({ ...pod('sysctls'), sysctls }, '', NEVER);
  const container = await start(id, shell('sleep 1000'));
  assert.equal(await text(container, 'cat /proc/sys/kernel/shm_rmid_forced'), '1');
  assert.equal(await text(container, 'cat /proc/sys/net/ipv4/ip_local_port_range'), '1024\t65000');
  await pods().removePod(id);
});

test('a restart keeps the pod, and a small mapping is enough', async () => {
  const small = [{ containerId: 0, hostId: HOST_ID, length: 3 }];
  const user = { uids: small, gids: small };
  const strict = { supplementalGroupsPolicy: 'strict' } as const; // root of the image is in group 10
  const id = await pods().runPod(pod('small', { user, pid: 'pod' }), '', NEVER);
  const one = await start(id, shell('sleep 1000', { user, pid: 'pod' }, strict));
  await node.restart();
  assert.equal(pods().podStatus(id).state, 'ready');
  assert.equal(await text(one, 'id -u'), '0');
  const two = await start(id, { ...shell('sleep 1000', { user }, strict), tty: true });
  assert.equal(await text(two, 'id -u'), '0');
  const big = shell('id', { user }, { ...strict, runAsUser: 3 });
  await assert.rejects(pods().createContainer(id, big, undefined), {
    code: 'INVALID_ARGUMENT',
    message: /run_as_user: user 3 is not mapped/,
  });
  await pods().removePod(id);
  assert.deepEqual(await leftOf(atStart, count), []);
});

test('what does not go together is refused with the field', async () => {
  for (const kind of ['network', 'pid', 'ipc'] as const) {
    await assert.rejects(pods().runPod(pod('refused', { [kind]: 'node' }), '', NEVER), {
      code: 'INVALID_ARGUMENT',
      message: new RegExp(`namespace_options\\.${kind}: NODE cannot be combined`),
    });
  }
  const id = await pods().runPod(pod('refusing'), '', NEVER);
  const other = [{ containerId: 0, hostId: 5000, length: 65_536 }];
  for (const user of [undefined, { uids: RANGE, gids: other }]) {
    await assert.rejects(pods().createContainer(id, shell('true', { user }), undefined), {
      code: 'INVALID_ARGUMENT',
      message: /userns_options: .*but the pod sandbox was made with uids 0:100000:65536/,
    });
  }
  const plain = await pods().runPod(podConfig('plain'), '', NEVER);
  await assert.rejects(pods().createContainer(plain, shell('true'), undefined), {
    code: 'INVALID_ARGUMENT',
    message: /the pod sandbox was made with the host's user namespace/,
  });
  await pods().removePod(plain);
  await pods().removePod(id);
  assert.deepEqual(await leftOf(atStart, count), []);
});
