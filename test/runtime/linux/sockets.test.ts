import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { F } from '../../../runtime/linux/constants.js';
import { fcntl } from '../../../runtime/linux/files.js';
import {
  acceptUnix,
  listenUnix,
  MAX_SOCKET_PATH,
  pairOfUnix,
  receiveDescriptor,
  receiveDescriptors,
  sendDescriptors,
  tcpSocket,
} from '../../../runtime/linux/sockets.js';

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-sockets-'));
});
after(() => fs.rmSync(directory, { recursive: true }));

const openFiles = () => fs.readdirSync('/proc/self/fd').length;

test('nobody has connected: nothing; then there is one, whose message without a descriptor is none', async () => {
  const file = path.join(directory, 'plain');
  const listener = listenUnix(file);
  assert.equal(acceptUnix(listener), undefined);
  const client = net.connect(file);
  await once(client, 'connect');
  const accepted = acceptUnix(listener);
  assert.ok(accepted !== undefined);
  assert.equal(receiveDescriptor(accepted), undefined, 'no message yet');
  await new Promise((resolve) => client.write('only bytes', resolve));
  assert.equal(receiveDescriptor(accepted), undefined);
  client.destroy();
  await once(client, 'close');
  assert.equal(receiveDescriptor(accepted), undefined, 'the end');
  fs.closeSync(accepted);
  assert.throws(() => receiveDescriptor(accepted), { code: 'EBADF' });
  fs.closeSync(listener);
});

test('a descriptor that another process passes is the same open file here, and no child inherits it', async () => {
  const file = path.join(directory, 'passing');
  const listener = listenUnix(file);
  const channel = net.connect(file);
  await once(channel, 'connect');
  const accepted = acceptUnix(listener) ?? -1;
  const server = net.createServer().listen(path.join(directory, 'target'));
  await once(server, 'listening');
  const script = `const net = require('node:net');
    const socket = net.connect(${JSON.stringify(path.join(directory, 'target'))}, () => process.send('take', socket));`;
  // Node passes handles over the channel of a child process, which is here a socket of ours.
  const env = { ...process.env, NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' };
  const child = spawn(process.execPath, ['-e', script], { env, stdio: ['ignore', 'ignore', 'inherit', channel] });
  try {
    const [peer] = (await once(server, 'connection')) as [net.Socket];
    let passed: number | undefined;
    for (let left = 2000; passed === undefined && left > 0; left--) {
      await sleep(1);
      passed = receiveDescriptor(accepted);
    }
    assert.ok(passed !== undefined, 'the descriptor arrives');
    assert.equal(fcntl(passed, F.GETFD), 1);
    fs.writeSync(passed, 'by the passed one');
    assert.equal(String((await once(peer, 'data'))[0]), 'by the passed one');
    fs.closeSync(passed);
    peer.destroy();
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    server.close();
    channel.destroy();
    fs.closeSync(accepted);
    fs.closeSync(listener);
  }
});

test('the longest path is listened on; a longer one, or one in use, is refused and leaves nothing open', () => {
  const longest = path.join(directory, 'x'.repeat(MAX_SOCKET_PATH - directory.length - 1));
  assert.equal(Buffer.byteLength(longest), MAX_SOCKET_PATH);
  const listener = listenUnix(longest);
  assert.ok(fs.statSync(longest).isSocket());
  const before = openFiles();
  assert.throws(() => listenUnix(longest), { code: 'EADDRINUSE', syscall: 'bind' });
  assert.throws(() => listenUnix(`${longest}xx`), { code: 'EINVAL' });
  assert.throws(() => listenUnix(path.join(directory, 'absent', 'sock')), { code: 'ENOENT', message: /absent/ });
  assert.equal(openFiles(), before);
  fs.closeSync(listener);
});

test('a TCP socket of either family connects by node:net', async () => {
  const server = net.createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = new net.Socket({ fd: tcpSocket(4) });
  socket.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  assert.equal(String((await once(socket, 'data'))[0]), 'hello');
  socket.destroy();
  server.close();
  const six = tcpSocket(6);
  assert.equal(fcntl(six, F.GETFL) & fs.constants.O_NONBLOCK, fs.constants.O_NONBLOCK);
  fs.closeSync(six);
});

test('a pair passes messages with descriptors, says when it is full, and ends with its other end', () => {
  const [here, there] = pairOfUnix();
  const open = fs.openSync('/dev/null', 'r');
  assert.equal(sendDescriptors(here, Buffer.from('one'), [open, open]), true);
  assert.equal(sendDescriptors(here, Buffer.from('two'), []), true);
  const { data, descriptors = [] } = receiveDescriptors(there) ?? {};
  assert.deepEqual([data?.toString(), descriptors.length], ['one', 2]);
  assert.deepEqual(receiveDescriptors(there), { data: Buffer.from('two'), descriptors: [] });
  let sent = 0;
  while (sendDescriptors(here, Buffer.alloc(1000), [])) sent++;
  assert.ok(sent > 10, 'the socket does not wait for room, though it is blocking');
  fs.closeSync(here);
  for (let i = 0; i < sent; i++) receiveDescriptors(there);
  assert.deepEqual(receiveDescriptors(there), { data: Buffer.alloc(0), descriptors: [] });
  for (const fd of [there, open, ...descriptors]) fs.closeSync(fd);
});
