/** `crib port-forward` to a pod of runc. */

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CribCommand, crib, startCrib, startPod } from '../../../support/crib.js';
import { type ServedNode, startServedNode } from '../../../support/server.js';
import { until } from '../../../support/until.js';

let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.63.0/24', 'cribtestcp0');
  await startPod(served, { main: ['while :; do nc -l -p 8080 -e cat; done', {}] });
});

after(() => served.stop());

/** What comes back for `text`, until the end. */
function talk(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host, allowHalfOpen: true });
    let said = '';
    socket.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('close', () => resolve(said));
    socket.end(text);
  });
}

/** The pod's program listens again a moment after each connection. */
async function echoed(command: CribCommand, port: number, host?: string): Promise<string> {
  for (let tries = 0; tries < 250; tries++) {
    const said = await talk(port, 'there and back', host);
    if (said !== '' && said !== 'ECONNRESET') return said;
    await sleep(20);
  }
  throw new Error(`nothing comes back: ${command.stderr}`);
}

async function portOf(command: CribCommand, remote: number): Promise<number> {
  return Number((await command.shows(new RegExp(`:(\\d+) -> pod:${remote}\n`)))[1]);
}

test('several ports; a refused connection ends nothing but itself; Ctrl-C', async () => {
  const command = startCrib(served, 'port-forward', 'pod', '0:8080', ':9', '[::1]:0:8080');
  const [echo, refused] = [await portOf(command, 8080), await portOf(command, 9)];
  const six = Number((await command.shows(/\[::1\]:(\d+) -> pod:8080\n/))[1]);
  assert.equal(await echoed(command, echo), 'there and back');
  assert.match(await talk(refused, 'x'), /^(ECONNRESET)?$/);
  const told = /crib: connection from 127\.0\.0\.1:\d+: [^\n]*port 9[^\n]*ECONNREFUSED[^\n]*\n/;
  await until(async () => told.test(command.stderr), 'the refused connection is told');
  assert.equal(await echoed(command, six, '::1'), 'there and back');
  command.child.kill('SIGINT');
  assert.equal(await command.ended, 0);
});

test('a restart of the daemon: the next connection goes through', async () => {
  const command = startCrib(served, 'port-forward', 'pod', '0:8080');
  const port = await portOf(command, 8080);
  assert.equal(await echoed(command, port), 'there and back');
  await served.restart(async () => {
    assert.match(await talk(port, 'x'), /^(ECONNRESET)?$/);
  });
  const told = /crib: connection from [^\n]*no daemon answers/;
  await until(async () => told.test(command.stderr), 'the connection without a daemon is told');
  assert.equal(await echoed(command, port), 'there and back');
  command.child.kill('SIGTERM');
  assert.equal(await command.ended, 0);
});

test('what cannot be forwarded: one line, nothing listens', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const [words, message] of [
    [['nowhere', '1:2'], /^crib: there is no pod nowhere[^\n]*\n$/],
    [['pod', '1:2:3'], /^crib: the port 1:2:3: [^\n]*\n$/],
    [['pod', '0:8080', `${port}:8080`], /^crib: listening on 127\.0\.0\.1:\d+: [^\n]*EADDRINUSE[^\n]*\n$/],
  ] as const) {
    const { code, stdout, stderr } = await crib(served, ['port-forward', ...words]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
  }
  taken.close();
});
