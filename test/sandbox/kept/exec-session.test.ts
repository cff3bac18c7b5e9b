import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import type { Sessions } from '../../../sandbox/streams.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { Counter, sessionClient } from '../../support/session-client.js';
import { until } from '../../support/until.js';

const NEVER = new AbortController().signal;
const MB = 1 << 20;

let node: TestNode;
let container = '';
const pods = () => node.node().pods;
const sessions = (): Sessions => pods().sessions;

before(async () => {
  node = await startTestNode('10.203.31.0/24', 'cribtestexec0');
  const pod = await pods().runPod(podConfig('exec'), '', NEVER);
  container = await pods().createContainer(
    pod,
    { ...containerConfig('c', node.image), command: ['sleep', '10000'] },
    undefined,
  );
  await pods().startContainer(container);
});

after(() => node.stop());

type Client = ReturnType<typeof sessionClient>;

function exec(client: Client, script: string, tty = false): Promise<number> {
  const spec = { containerId: container, command: ['sh', '-c', script], tty };
  return sessions().exec(spec, client.streams, client.abort.signal);
}

async function processes(): Promise<string> {
  const { stdout } = await pods().execSync(container, ['ps', '-o', 'args'], 10_000, NEVER);
  return stdout.toString();
}

const descriptors = (pid: number | 'self') => fs.readdirSync(`/proc/${pid}/fd`).length;
const keeperPid = () => Number(fs.readFileSync(`${node.state}/keeper.lock`, 'latin1'));
const rssOf = (pid: number | 'self') =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;

test('both streams, stdin with its end, the exit code', async () => {
  const client = sessionClient(['stdin', 'stdout', 'stderr']);
  const code = exec(client, 'cat; echo out; echo err >&2; exit 3');
  client.stdin.write('typed\n');
  await client.shows(/typed/);
  client.stdin.end('end\n');
  assert.equal(await code, 3);
  assert.deepEqual([client.stdout(), client.stderr()], ['typed\nend\nout\n', 'err\n']);
  assert.ok(client.streams.stdout?.writableFinished);
});

test('what was not asked for is /dev/null', async () => {
  const client = sessionClient(['stdout']);
  assert.equal(await exec(client, 'cat; stat -L -c %t:%T /proc/self/fd/0 /proc/self/fd/2; echo lost >&2'), 0);
  assert.equal(client.stdout(), '1:3\n1:3\n');
});

test('a terminal: its size from the start and when it changes, what is typed, the exit code', async () => {
  const client = sessionClient(['stdin', 'stdout'], { width: 91, height: 17 });
  const code = exec(
    client,
    'stty size; trap "stty size" WINCH; until read x; do :; done; stty size; echo got $x $TERM; exit 4',
    true,
  );
  await client.shows(/^17 91\r\n/);
  client.resize({ width: 132, height: 43 });
  client.stdin.write('hello\n');
  assert.equal(await code, 4);
  assert.match(client.stdout(), /43 132\r\ngot hello xterm\r\n$/);
});

test('the last bytes of a terminal arrive, also when its process has ended before they are read', async () => {
  for (let round = 0; round < 5; round += 1) {
    const stdout = new Counter();
    const streams = { stdin: undefined, stdout, stderr: undefined, onResize: () => undefined };
    const command = ['sh', '-c', 'stty raw; head -c 300001 /dev/zero'];
    assert.equal(await sessions().exec({ containerId: container, command, tty: true }, streams, NEVER), 0);
    assert.equal(stdout.bytes, 300_001);
  }
});

test('a signal is 128 and its number; a command that is not there is an error of the runtime', async () => {
  assert.equal(await exec(sessionClient(['stdout']), 'kill -9 $$'), 137);
  const client = sessionClient(['stdout', 'stderr']);
  const spec = { containerId: container, command: ['no-such-program'], tty: false };
  await assert.rejects(sessions().exec(spec, client.streams, NEVER), {
    code: 'UNKNOWN',
    message: /no-such-program.*not found/,
  });
  await assert.rejects(sessions().exec({ ...spec, tty: true }, client.streams, NEVER), /no-such-program.*not found/);
  await assert.rejects(sessions().exec({ ...spec, containerId: 'feed' }, client.streams, NEVER), { code: 'NOT_FOUND' });
});

test('exit is exit: a process in the background may hold the output open', async () => {
  for (const [seconds, tty] of [
    [7041, false],
    [7042, true],
  ] as const) {
    const client = sessionClient(['stdout']);
    assert.equal(await exec(client, `trap "" HUP; sleep ${seconds} & echo done; exit 6`, tty), 6);
    assert.match(client.stdout(), /^done\r?\n$/);
    assert.match(await processes(), new RegExp(`sleep ${seconds}`));
  }
});

test('the whole tree is killed when the client goes, before and after it has started', async () => {
  for (const [seconds, tty] of [
    [7001, false],
    [7002, true],
  ] as const) {
    const client = sessionClient(['stdout']);
    const code = exec(client, `setsid sleep ${seconds} & echo up; wait`, tty);
    await client.shows(/up/);
    client.abort.abort();
    await assert.rejects(code, { code: 'CANCELLED' });
  }
  for (const wait of [0, 10, 20, 40]) {
    const client = sessionClient(['stdout']);
    const code = exec(client, 'exec sleep 7003');
    setTimeout(() => client.abort.abort(), wait);
    await assert.rejects(code, { code: 'CANCELLED' });
  }
  await until(async () => !/sleep 700/.test(await processes()), 'all of them are killed');
});

test('when crib goes, what it had started in the container goes too', async () => {
  const client = sessionClient(['stdout']);
  const code = exec(client, 'echo up; exec sleep 7010');
  await client.shows(/up/);
  const lost = assert.rejects(code, { code: 'UNAVAILABLE' });
  await node.restart();
  await lost;
  await until(async () => !/sleep 7010/.test(await processes()), 'the session is killed');
});

test('when the keeper is killed, what it would have killed is killed here', async () => {
  const client = sessionClient(['stdout']);
  const code = exec(client, 'echo up; setsid sleep 7020 & sleep 7020');
  await client.shows(/up/);
  const lost = assert.rejects(code, { code: 'UNAVAILABLE' });
  process.kill(keeperPid(), 'SIGKILL');
  await lost;
  await until(async () => !/sleep 7020/.test(await processes()), 'the session is killed');
});

test('256 MB each way through cat: all of it arrives, memory stays flat', async () => {
  const size = 256 * MB;
  const chunk = Buffer.alloc(64 * 1024, 7);
  let peak = 0;
  const before = [rssOf('self'), rssOf(keeperPid())] as const;
  const timer = setInterval(() => {
    peak = Math.max(peak, rssOf('self') - before[0], rssOf(keeperPid()) - before[1]);
  }, 50);
  const stdin = Readable.from(
    (function* () {
      for (let sent = 0; sent < size; sent += chunk.length) yield chunk;
    })(),
  );
  const stdout = new Counter();
  const streams = { stdin, stdout, stderr: undefined, onResize: () => undefined };
  assert.equal(await sessions().exec({ containerId: container, command: ['cat'], tty: false }, streams, NEVER), 0);
  clearInterval(timer);
  assert.equal(stdout.bytes, size);
  assert.ok(peak < 100 * MB, `memory grew by ${peak / MB} MB`);
});

test('a user who is not root may open /dev/stdout', async () => {
  const base = containerConfig('nobody', node.image);
  const security = { ...base.security, runAsUser: 65534, runAsGroup: 65534 };
  const [pod] = pods().listPods({});
  const id = await pods().createContainer(pod?.id ?? '', { ...base, command: ['sleep', '10000'], security }, undefined);
  await pods().startContainer(id);
  const client = sessionClient(['stdout']);
  const command = ['sh', '-c', 'id -u; echo again >/dev/stdout'];
  assert.equal(await sessions().exec({ containerId: id, command, tty: false }, client.streams, NEVER), 0);
  assert.equal(client.stdout(), '65534\nagain\n');
});

test('in a user namespace too: pipes that the user may reopen, and a terminal', async () => {
  const range = [{ containerId: 0, hostId: 200_000, length: 65_536 }];
  const user = { uids: range, gids: range };
  const base = podConfig('mapped');
  const namespaces = { ...base.security.namespaces, user };
  const pod = await pods().runPod({ ...base, security: { ...base.security, namespaces } }, '', NEVER);
  const config = containerConfig('mapped', node.image);
  const security = { ...config.security, namespaces };
  const id = await pods().createContainer(pod, { ...config, command: ['sleep', '10000'], security }, undefined);
  await pods().startContainer(id);
  for (const tty of [false, true]) {
    const client = sessionClient(['stdout'], { width: 55, height: 22 });
    const command = ['sh', '-c', 'echo again >/dev/stdout; stty size; exit 2'];
    assert.equal(await sessions().exec({ containerId: id, command, tty }, client.streams, NEVER), 2);
    assert.match(client.stdout(), tty ? /^again\r\n22 55\r\n$/ : /^again\n$/);
  }
  await pods().removePod(pod);
});

test('a slow client slows the command and loses nothing, also what was written just before the exit', async () => {
  const stdout = new Counter(200);
  const streams = { stdin: undefined, stdout, stderr: undefined, onResize: () => undefined };
  const command = ['head', '-c', '1000000', '/dev/zero'];
  const start = performance.now();
  assert.equal(await sessions().exec({ containerId: container, command, tty: false }, streams, NEVER), 0);
  assert.equal(stdout.bytes, 1_000_000);
  assert.ok(performance.now() - start > 4000);
});

test('many at once, and nothing is left behind', async () => {
  await exec(sessionClient(['stdout']), 'true');
  const before = [descriptors('self'), descriptors(keeperPid())];
  const codes = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      exec(sessionClient(['stdin', 'stdout', 'stderr']), `exit ${index}`, index % 2 === 1),
    ),
  );
  assert.deepEqual(
    codes,
    Array.from({ length: 40 }, (_, index) => index),
  );
  const now = () => [descriptors('self'), descriptors(keeperPid())];
  await until(() => now().join() === before.join(), `${before} descriptors again`);
  const files = fs.readdirSync(`${node.state}/containers/${container}`);
  assert.deepEqual(
    files.filter((name) => name.startsWith('exec-')),
    [],
  );
});

test('what runs is written down until it has ended, for a start after cribd and keeper have both died', async () => {
  const bundle = path.join(node.state, 'containers', container);
  const noted = () => fs.readdirSync(bundle).filter((name) => /^exec-.*\.started$/.test(name));
  const client = sessionClient(['stdin', 'stdout']);
  const code = exec(client, 'echo begun; exec sleep 4600');
  await client.shows(/begun/);
  const [file = ''] = noted();
  const { pid, startTime } = JSON.parse(fs.readFileSync(path.join(bundle, file), 'utf8'));
  assert.equal(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\x004600\0');
  assert.equal(startTimeOf(pid), startTime);
  process.kill(pid, 'SIGKILL');
  assert.equal(await code, 137);
  assert.deepEqual(noted(), []);
});
