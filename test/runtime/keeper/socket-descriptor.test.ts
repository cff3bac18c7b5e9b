import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { descriptorOf } from '../../../runtime/keeper/socket-descriptor.js';
import { until } from '../../support/until.js';

test('the descriptor is that of this very socket, and a closed one has none', async (t) => {
  const heard: string[] = [];
  const server = net.createServer((socket) => {
    const index = heard.push('') - 1;
    socket.setEncoding('utf8').on('data', (text) => {
      heard[index] += String(text);
    });
  });
  const path = `\0crib-socket-descriptor-${process.pid}`;
  server.listen(path);
  await once(server, 'listening');
  const sockets = [net.connect(path), net.connect(path)];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  // What is written to the descriptors comes from the sockets: they are not just any of this process's.
  for (const [index, socket] of sockets.entries()) fs.writeSync(descriptorOf(socket), `from ${index}`);
  await until(() => heard.join().length === 'from 0,from 1'.length, 'both are heard');
  assert.deepEqual([...heard].sort(), ['from 0', 'from 1']);
  for (const socket of [...sockets, new net.Socket()]) {
    socket.destroy();
    assert.throws(() => descriptorOf(socket), /does not tell the descriptor/);
  }
});
