import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';

const NEVER = new AbortController().signal;

/** On IPv4 and on IPv6 one that sends back what it gets, and one that tells its length once that has ended. */
const SERVERS = `
  const net = require('node:net');
  const options = { allowHalfOpen: true };
  const echo = (socket) => socket.pipe(socket);
  const count = (socket) => {
    let length = 0;
    socket.on('data', (data) => { length += data.length; }).on('end', () => socket.end(String(length)));
  };
  net.createServer(options, echo).listen(8080, '127.0.0.1');
  net.createServer(options, echo).listen(8081, '::1');
  net.createServer(options, count).listen(8082, '127.0.0.1', () => console.log('up'));`;

let servers: ChildProcess | undefined;
let node: TestNode;
let pod = '';
const pods = () => node.node().pods;
const connect = (port: number, id = pod) => pods().sessions.connect(id, port, new AbortController().signal);

before(async () => {
  node = await startTestNode('10.203.33.0/24', 'cribtestfwd0');
  pod = await pods().runPod(podConfig('forward'), '', NEVER);
  servers = spawn('nsenter', [`--net=${node.state}/pods/${pod}/ns/net`, process.execPath, '-e', SERVERS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => servers?.stdout?.once('data', resolve));
});

after(async () => {
  servers?.kill();
  await node.stop();
});

test('what listens on 127.0.0.1 of the pod, or on ::1, answers; each side may end its half', async () => {
  for (const port of [8080, 8081]) {
    const connection = await connect(port);
    connection.end('hello');
    assert.equal(await text(connection), 'hello');
  }
  const counted = await connect(8082);
  counted.end(Buffer.alloc(5_000_000));
  assert.equal(await text(counted), '5000000');
});

test('nothing there, no such port, no such pod, a stopped pod', async () => {
  await assert.rejects(connect(9), { code: 'UNAVAILABLE', message: /ECONNREFUSED 127\.0\.0\.1:9/ });
  await assert.rejects(connect(0), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(connect(70_000), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(connect(80, 'feed'), { code: 'NOT_FOUND' });
  const other = await pods().runPod(podConfig('stopped'), '', NEVER);
  await pods().stopPod(other);
  await assert.rejects(connect(80, other), { code: 'FAILED_PRECONDITION' });
});

test('a pod on the network of the host', async () => {
  const server = net.createServer((socket) => socket.end('of the host')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(connect(address.port), { code: 'UNAVAILABLE' }, 'the pod has a network of its own');
  const base = podConfig('of-the-host');
  const namespaces = { ...base.security.namespaces, network: 'node' as const };
  const id = await pods().runPod({ ...base, security: { ...base.security, namespaces } }, '', NEVER);
  assert.equal(await text(await connect(address.port, id)), 'of the host');
  server.close();
});

test('many at once; this process stays in its namespace and keeps no descriptor', async () => {
  const home = fs.readlinkSync('/proc/thread-self/ns/net');
  await sleep(100);
  const before = fs.readdirSync('/proc/self/fd').length;
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const connection = await connect(8080);
      connection.end(`number ${index}`);
      return text(connection);
    }),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 50 }, (_, index) => `number ${index}`),
  );
  for (const task of fs.readdirSync('/proc/self/task')) {
    assert.equal(fs.readlinkSync(`/proc/self/task/${task}/ns/net`), home);
  }
  await sleep(100);
  assert.ok(fs.readdirSync('/proc/self/fd').length <= before);
});
