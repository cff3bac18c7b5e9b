import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import type { ContainerConfig } from '../../../runtime/containers/config.js';
import type { Sessions } from '../../../sandbox/streams.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { Counter, type SessionClient, sessionClient } from '../../support/session-client.js';
import { until } from '../../support/until.js';

const NEVER = new AbortController().signal;
const MB = 1 << 20;

let node: TestNode;
let pod = '';
let attempt = 0;
const pods = () => node.node().pods;
const sessions = (): Sessions => pods().sessions;

before(async () => {
  node = await startTestNode('10.203.32.0/24', 'cribtestatt0');
  pod = await pods().runPod({ ...podConfig('attach'), logDirectory: path.join(node.directory, 'logs') }, '', NEVER);
});

after(() => node.stop());

async function start(script: string, change: Partial<ContainerConfig> = {}): Promise<string> {
  attempt += 1;
  const base = containerConfig(`c${attempt}`, node.image);
  const config = { ...base, command: ['sh', '-c', script], logPath: `${base.metadata.name}.log`, ...change };
  const id = await pods().createContainer(pod, config, undefined);
  await pods().startContainer(id);
  return id;
}

const attach = (id: string, client: SessionClient) => sessions().attach(id, client.streams, client.abort.signal);
const ALL = ['stdin', 'stdout', 'stderr'] as const;
const LOOP = 'while read x; do echo "err $x" >&2; echo "got $x"; done; echo eof';

async function exitCode(id: string): Promise<number> {
  await until(() => pods().containerStatus(id).state === 'exited', 'it has ended');
  return pods().containerStatus(id).exitCode;
}

async function logOf(id: string): Promise<string> {
  return fs.readFileSync(pods().containerStatus(id).logPath, 'latin1');
}

const keeperPid = () => Number(fs.readFileSync(`${node.state}/keeper.lock`, 'latin1'));
const descriptors = (pid: number | 'self') => fs.readdirSync(`/proc/${pid}/fd`).length;

test('two clients see all output from when they came, both type, and the log has it too', async () => {
  const id = await start(LOOP, { stdin: true });
  const [one, two] = [sessionClient(ALL), sessionClient(ALL)];
  const first = attach(id, one);
  one.stdin.write('1\n');
  await one.shows(/got 1\n/);
  const second = attach(id, two);
  two.stdin.write('2\n');
  await one.shows(/got 2\n/);
  await two.shows(/got 2\n/);
  one.stdin.end();
  await first;
  two.stdin.write('3\n');
  await two.shows(/got 3\n/);
  assert.equal(two.stdout(), 'got 2\ngot 3\n');
  await until(() => two.stderr() === 'err 2\nerr 3\n', 'it has the other stream too');
  assert.equal(one.stdout(), 'got 1\ngot 2\n');
  two.abort.abort();
  await assert.rejects(second, { code: 'CANCELLED' });
  assert.equal(pods().containerStatus(id).state, 'running');
  await pods().stopContainer(id, 0);
  assert.match(await logOf(id), /got 1\n.*got 2\n.*got 3\n/s);
});

test('stdin_once: the end of the first client that types is the end of stdin, and its output goes on', async () => {
  const id = await start(`${LOOP}; exit 7`, { stdin: true, stdinOnce: true });
  const watcher = sessionClient(['stdout']);
  const watching = attach(id, watcher);
  const client = sessionClient(ALL);
  const attached = attach(id, client);
  client.stdin.end('last\n');
  await Promise.all([attached, watching]);
  assert.equal(client.stdout(), 'got last\neof\n');
  assert.match(watcher.stdout(), /eof\n$/);
  assert.equal(await exitCode(id), 7);
});

test('stdin_once: a client that vanishes ends stdin too', async () => {
  const id = await start(`${LOOP}; exit 8`, { stdin: true, stdinOnce: true });
  const client = sessionClient(ALL);
  const attached = attach(id, client);
  client.stdin.write('x\n');
  await client.shows(/got x/);
  client.abort.abort();
  await assert.rejects(attached, { code: 'CANCELLED' });
  assert.equal(await exitCode(id), 8);
});

test('a container without stdin has none for a client either; it ends with the container, all output first', async () => {
  const id = await start('cat; sleep 0.5; seq 1 100000; echo err >&2; exit 3');
  const client = sessionClient(ALL);
  const attached = attach(id, client);
  client.stdin.end('ignored\n');
  await attached;
  assert.equal(client.stdout().split('\n').length, 100_001);
  assert.equal(client.stderr(), 'err\n');
  await assert.rejects(attach(id, sessionClient(ALL)), { code: 'FAILED_PRECONDITION' });
});

test('a terminal: size, typing, one stream of output; detaching leaves it', async () => {
  const id = await start('until read x; do :; done; stty size; until read x; do :; done; exit 5', {
    tty: true,
    stdin: true,
  });
  const client = sessionClient(['stdin', 'stdout'], { width: 101, height: 31 });
  const attached = attach(id, client);
  client.stdin.write('one\n');
  await client.shows(/31 101\r\n/);
  client.stdin.end();
  await attached;
  assert.equal(pods().containerStatus(id).state, 'running');
  const again = sessionClient(['stdin', 'stdout']);
  const second = attach(id, again);
  again.stdin.write('two\n');
  await second;
  assert.equal(await exitCode(id), 5);
  assert.equal(again.stdout(), 'two\r\n');
});

test('the last bytes of a terminal reach client and log', async () => {
  const id = await start('until read x; do :; done; seq 1 30000', { tty: true, stdin: true });
  const client = sessionClient(['stdin', 'stdout']);
  const attached = attach(id, client);
  client.stdin.write('go\n');
  await attached;
  assert.match(client.stdout(), /\n30000\r\n$/);
  await exitCode(id);
  assert.match(await logOf(id), / 30000\r\n$/);
});

test('256 MB from a container to a client: all of it arrives', async () => {
  const id = await start(`read x; head -c ${256 * MB} /dev/zero`, { stdin: true, stdinOnce: true, logPath: '' });
  const stdout = new Counter();
  const stdin = Readable.from([Buffer.from('go\n')]);
  await sessions().attach(id, { stdin, stdout, stderr: undefined, onResize: () => undefined }, NEVER);
  assert.equal(stdout.bytes, 256 * MB);
});

test('64 MB into the stdin of a container', async () => {
  const id = await start('wc -c', { stdin: true, stdinOnce: true });
  const chunk = Buffer.alloc(MB);
  const client = sessionClient(['stdout']);
  const stdin = Readable.from(
    (function* () {
      for (let count = 0; count < 64; count += 1) yield chunk;
    })(),
  );
  await sessions().attach(id, { ...client.streams, stdin }, NEVER);
  assert.equal(client.stdout(), `${64 * MB}\n`);
});

test('nothing is left behind', async () => {
  const id = await start(LOOP, { stdin: true });
  const before = [descriptors('self'), descriptors(keeperPid())];
  const clients = Array.from({ length: 20 }, () => sessionClient(ALL));
  const attached = clients.map((client) => attach(id, client));
  clients[0]?.stdin.write('x\n');
  await Promise.all(clients.map((client) => client.shows(/got x/)));
  for (const client of clients) client.stdin.end();
  await Promise.all(attached);
  const open = () => [descriptors('self'), descriptors(keeperPid())];
  await until(() => open().join() === before.join(), 'all are closed');
  await pods().stopContainer(id, 0);
});
