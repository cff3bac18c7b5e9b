import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type ContainerConfig, NO_LIMITS } from '../../../runtime/containers/config.js';
import { V8_FLAGS } from '../../../runtime/keeper/launch.js';
import { requestUpgrade } from '../../../runtime/keeper/upgrade-request.js';
import type { PodRuntime } from '../../../sandbox/types.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { runscMissing } from '../../support/runsc.js';
import { sessionClient } from '../../support/session-client.js';
import { until } from '../../support/until.js';

const skip = await runscMissing();
let node: TestNode;
let attempt = 0;
const NEVER = new AbortController().signal;
const pods = (): PodRuntime => node.node().pods;

before(async () => {
  if (skip !== false) return;
  node = await startTestNode('10.203.77.0/24', 'cribtestgv0');
});

after(() => node?.stop());

function runPod(name: string): Promise<string> {
  return pods().runPod({ ...podConfig(name), logDirectory: path.join(node.directory, 'logs') }, 'gvisor', NEVER);
}

function shell(script: string, change: Partial<ContainerConfig> = {}): ContainerConfig {
  attempt += 1;
  const base = containerConfig(`c${attempt}`, node.image);
  return { ...base, command: ['sh', '-c', script], logPath: `c${attempt}.log`, ...change };
}

async function start(pod: string, config: ContainerConfig): Promise<string> {
  const id = await pods().createContainer(pod, config, undefined);
  await pods().startContainer(id);
  return id;
}

async function ended(id: string) {
  await until(() => pods().containerStatus(id).state === 'exited', `${id} ends`);
  return pods().containerStatus(id);
}

async function text(id: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await pods().execSync(id, command, 10_000, NEVER);
  assert.equal(exitCode, 0, stderr.toString());
  return stdout.toString().trim();
}

test('a container of a gVisor pod runs on a kernel of its own; its output is logged and its exit code known', {
  skip,
}, async () => {
  const pod = await runPod('first');
  const id = await start(pod, shell('dmesg | head -1; echo oops >&2; exit 7'));
  const { exitCode, reason, logPath } = await ended(id);
  assert.deepEqual({ exitCode, reason }, { exitCode: 7, reason: 'Error' });
  const log = await fs.readFile(logPath, 'utf8');
  assert.match(log, / stdout F .*Starting gVisor/);
  assert.match(log, / stderr F oops/);
  await pods().removePod(pod);
});

test('two containers of a gVisor pod have one network; commands run in them; they end with the pod', {
  skip,
}, async () => {
  const pod = await runPod('shared');
  const one = await start(pod, shell('sleep 1000'));
  const two = await start(pod, shell('sleep 1000'));
  const [ip = '-'] = pods().podStatus(pod).ips;
  assert.match(await text(one, 'ip', '-4', 'addr', 'show', 'eth0'), new RegExp(ip));
  assert.match(await text(two, 'ip', '-4', 'addr', 'show', 'eth0'), new RegExp(ip));
  assert.equal(await text(two, 'hostname'), 'shared');
  assert.equal((await pods().execSync(one, ['sh', '-c', 'exit 3'], 10_000, NEVER)).exitCode, 3);
  await pods().stopPod(pod);
  assert.equal(pods().containerStatus(one).exitCode, 137);
  await pods().removePod(pod);
});

test('a command of a client runs on a terminal or on pipes, and ends in the sandbox when the client goes', {
  skip,
}, async () => {
  const pod = await runPod('sessions');
  const id = await start(pod, shell('sleep 1000'));
  const onTerminal = sessionClient(['stdin', 'stdout']);
  const spec = {
    containerId: id,
    command: ['sh', '-c', '[ -t 0 ] && echo terminal; read line; echo "<$line>"; exit 4'],
    tty: true,
  };
  const code = pods().sessions.exec(spec, onTerminal.streams, onTerminal.abort.signal);
  await onTerminal.shows(/terminal/);
  onTerminal.stdin.write('typed\n');
  assert.equal(await code, 4);
  assert.match(onTerminal.stdout(), /<typed>/);
  const leaves = sessionClient(['stdout']);
  const command = ['sh', '-c', 'echo begun; exec sleep 4321'];
  const cut = pods().sessions.exec({ containerId: id, command, tty: false }, leaves.streams, leaves.abort.signal);
  await leaves.shows(/begun/);
  leaves.abort.abort();
  await assert.rejects(cut);
  const late = pods().execSync(id, ['sleep', '4322'], 500, NEVER);
  await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' });
  await until(async () => !/sleep 432[12]/.test(await text(id, 'ps', '-o', 'args')), 'the commands end in the sandbox');
  await pods().removePod(pod);
});

test('a command that takes too long ends with its descendants, and nothing else does', { skip }, async () => {
  const pod = await runPod('trees');
  const id = await start(pod, shell('sleep 4401 & sleep 1000'));
  const script = '(sleep 4402 & sleep 4403; true) & while true; do sleep 0.05; done';
  await assert.rejects(pods().execSync(id, ['sh', '-c', script], 1000, NEVER), { code: 'DEADLINE_EXCEEDED' });
  const running = async () => await text(id, 'ps', '-o', 'args');
  await until(async () => !/sleep (0\.05|440[23])/.test(await running()), 'all of the command has ended');
  assert.match(await running(), /sleep 4401/);
  await pods().removePod(pod);
});

test('the containers of a pod share its /dev/shm, and no others do', { skip }, async () => {
  const [pod, other] = [await runPod('shm'), await runPod('shm-other')];
  const one = await start(pod, shell('sleep 1000'));
  const two = await start(pod, shell('sleep 1000'));
  const stranger = await start(other, shell('sleep 1000'));
  await text(one, 'sh', '-c', 'echo shared >/dev/shm/x');
  assert.equal(await text(two, 'cat', '/dev/shm/x'), 'shared');
  assert.equal(await text(stranger, 'ls', '/dev/shm'), '');
  assert.equal(await text(two, 'stat', '-c', '%a', '/dev/shm'), '1777');
  assert.match(await text(two, 'df', '-k', '/dev/shm'), / 65536 /);
  await pods().stopContainer(one, 0);
  assert.equal(await text(two, 'cat', '/dev/shm/x'), 'shared', 'it is the pod’s, not the container’s');
  await pods().removePod(pod);
  await pods().removePod(other);
});

test('no process waits for a container; a keeper that is upgraded asks the sentry again', { skip }, async () => {
  const pod = await runPod('upgraded');
  const id = await start(pod, shell('while ! [ -e /tmp/go ]; do sleep 0.1; done; exit 6'));
  assert.deepEqual(await waiters(), []);
  const main = path.join(node.directory, 'keeper-other.mjs');
  const keeper = path.resolve(import.meta.dirname, '../../../bundle/keeper.js');
  await fs.writeFile(main, `import ${JSON.stringify(pathToFileURL(keeper).href)};\n`);
  await requestUpgrade(node.state, { program: process.execPath, flags: V8_FLAGS, main });
  assert.deepEqual(await waiters(), []);
  await text(id, 'touch', '/tmp/go');
  assert.equal((await ended(id)).exitCode, 6);
  await pods().removePod(pod);
});

/** Command lines of `runsc wait` for this node's pods. */
async function waiters(): Promise<string[]> {
  const found = [];
  for (const entry of await fs.readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await fs.readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const words = line.split('\0');
    if (words.includes('wait') && line.includes(node.state)) found.push(words.join(' '));
  }
  return found;
}

test("a connection reaches what listens on the sandbox's own loopback; nothing listening is UNAVAILABLE", {
  skip,
}, async () => {
  const pod = await runPod('ports');
  const id = await start(pod, shell('while true; do echo served | nc -l -p 8080; done'));
  const connect = async () => {
    const socket = await pods()
      .sessions.connect(pod, 8080, NEVER)
      .catch(() => undefined);
    return socket === undefined ? '' : (await buffer(socket.end())).toString();
  };
  await until(async () => (await connect()) === 'served\n', 'what listens is reached');
  await assert.rejects(pods().sessions.connect(pod, 9, NEVER), { code: 'UNAVAILABLE' });
  assert.equal(pods().containerStatus(id).state, 'running');
  await pods().removePod(pod);
});

test('an attached client gets the output and feeds stdin; the stop signal arrives', { skip }, async () => {
  const pod = await runPod('attached');
  const script = 'trap "exit 5" USR1; read line; echo "<$line>"; while true; do sleep 0.1; done';
  const id = await start(pod, shell(script, { stdin: true, stopSignal: 'SIGUSR1' }));
  const client = sessionClient(['stdin', 'stdout']);
  const attached = pods().sessions.attach(id, client.streams, client.abort.signal);
  client.stdin.write('typed\n');
  await client.shows(/<typed>/);
  await pods().stopContainer(id, 20_000);
  await attached;
  assert.equal((await ended(id)).exitCode, 5);
  await pods().removePod(pod);
});

test('exit codes survive restarts of cribd and of the keeper', { skip }, async () => {
  const pod = await runPod('restarts');
  const file = '/tmp/go';
  const id = await start(pod, shell(`while ! [ -e ${file} ]; do sleep 0.1; done; exit 9`));
  const other = await start(pod, shell(`while ! [ -e ${file} ]; do sleep 0.1; done; exit 8`));
  const keeper = Number(await fs.readFile(path.join(node.state, 'keeper.lock'), 'latin1'));
  await node.restart(async () => {
    process.kill(keeper, 'SIGKILL');
  });
  assert.equal(pods().podStatus(pod).state, 'ready');
  assert.equal(pods().containerStatus(id).state, 'running');
  await text(id, 'touch', file);
  await text(other, 'touch', file);
  assert.equal((await ended(id)).exitCode, 9);
  assert.equal((await ended(other)).exitCode, 8);
  await pods().removePod(pod);
});

test('a pod whose sentry was killed is not ready, its containers have ended, and nothing of it is left', {
  skip,
}, async () => {
  const pod = await runPod('killed');
  const id = await start(pod, shell('sleep 1000'));
  process.kill(pods().containerStatus(id).pid, 'SIGKILL');
  assert.equal((await ended(id)).exitCode, 137);
  await until(() => pods().podStatus(pod).state === 'not-ready', 'the pod is stopped');
  await pods().stopPod(pod);
  assert.deepEqual(await fs.readdir(path.join(node.state, 'runsc')), []);
  await pods().removePod(pod);
});

test('a sandbox that runs out of memory says so, and statistics tell its containers apart', { skip }, async () => {
  const pod = await runPod('memory');
  const limited = (memoryLimit: number) => ({ resources: { ...NO_LIMITS, memoryLimit } });
  const busy = await start(pod, shell('while true; do :; done', limited(32 << 20)));
  const idle = await start(pod, shell('sleep 1000', limited(32 << 20)));
  const cpu = async (id: string) => (await pods().containerStats(id)).cgroup?.cpuUsageNs ?? 0n;
  await until(async () => (await cpu(busy)) > 10n * (await cpu(idle)) + 1_000_000n, 'the busy one uses more CPU');
  assert.equal((await pods().podStats(pod)).containers.length, 2);
  await pods().stopContainer(busy, 0);
  const hungry = await start(pod, shell('exec dd if=/dev/zero of=/dev/null bs=400M count=1', limited(32 << 20)));
  assert.equal((await ended(hungry)).reason, 'OOMKilled');
  await pods().removePod(pod);
});

test('containers share a PID namespace where the pod has one, or join that of another', { skip }, async () => {
  const base = podConfig('pids');
  const namespaces = { ...base.security.namespaces, pid: 'pod' as const };
  const pod = await pods().runPod({ ...base, security: { ...base.security, namespaces } }, 'gvisor', NEVER);
  const inPid = (pid: 'pod' | 'container' | 'target', targetId = '') => {
    const { security } = containerConfig();
    return { security: { ...security, namespaces: { ...security.namespaces, pid, targetId } } };
  };
  await start(pod, shell('exec sleep 1001', inPid('pod')));
  const sharing = await start(pod, shell('exec sleep 1002', inPid('pod')));
  const alone = await start(pod, shell('exec sleep 1003', inPid('container')));
  const joined = await start(pod, shell('exec sleep 1004', inPid('target', alone)));
  assert.match(await text(sharing, 'ps', '-o', 'args'), /catatonit.*sleep 1001.*sleep 1002/s);
  assert.match(await text(joined, 'ps', '-o', 'pid,args'), / 1 sleep 1003.*sleep 1004/s);
  assert.doesNotMatch(await text(joined, 'ps', '-o', 'args'), /catatonit|sleep 100[12]/);
  await pods().removePod(pod);
});

test('what runsc left of a pod that nobody knows goes at the next start', { skip }, async () => {
  const pod = await runPod('stays');
  const stray = path.join(node.state, 'runsc', '0123456789abcdef');
  await node.restart(async () => {
    await fs.mkdir(stray, { recursive: true });
  });
  assert.deepEqual(await fs.readdir(path.dirname(stray)), [pod.slice(0, 16)]);
  assert.equal(pods().podStatus(pod).state, 'ready');
  await pods().removePod(pod);
});
