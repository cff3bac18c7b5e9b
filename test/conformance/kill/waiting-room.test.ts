import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WaitingRoom } from './waiting-room.js';

async function echo(socket: string): Promise<Server> {
  const server = createServer((connection) => void connection.pipe(connection).on('error', () => undefined));
  server.listen(socket);
  await once(server, 'listening');
  return server;
}

test('who comes before the daemon waits for it, and is cut off with it', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-room-'));
  const [front, behind] = [path.join(directory, 'front'), path.join(directory, 'behind')];
  const room = await WaitingRoom.open(front, behind);
  t.after(async () => {
    await room.close();
    fs.rmSync(directory, { recursive: true });
  });
  const visitor = connect(front).on('error', () => undefined);
  visitor.write('early');
  await sleep(50);
  const daemon = await echo(behind);
  const inside = once(daemon, 'connection');
  const [answer] = (await once(visitor, 'data')) as [Buffer];
  assert.equal(answer.toString(), 'early');
  const cut = once(visitor, 'close');
  const [connection] = (await inside) as [Socket];
  connection.destroy();
  await cut;
  daemon.close();
});
