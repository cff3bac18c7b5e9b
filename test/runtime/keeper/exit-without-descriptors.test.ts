/** A process of its own: it reaps what is not its own. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Children } from '../../../runtime/keeper/children.js';
import { WatchedInit } from '../../../runtime/keeper/watched-init.js';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import { until } from '../../support/until.js';

test('the exit of a container is still told after its sandbox hung up while no descriptor was left', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-exit-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const asking: net.Socket[] = [];
  const server = net.createServer((socket) => asking.push(socket.on('error', () => undefined).resume()));
  const socket = path.join(directory, 'control.sock');
  server.listen(socket);
  t.after(() => server.close());
  const argv = ['false'];
  const env = { PATH: '/usr/bin:/bin' };
  const watch = { waitArgv: argv, waitCall: { socket, request: '{}' }, signalArgv: argv, killArgv: argv, env };
  const watched = new WatchedInit(watch, new Children(undefined));
  t.after(() => watched.close());
  const exits: number[] = [];
  const sandbox = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  const watching = watched.start(sandbox, (exitCode) => exits.push(exitCode));
  await until(() => asking.length === 1, 'it asks');
  const full = () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  };
  const { mock } = t.mock.method(fs, 'readFileSync', full);
  asking[0]?.destroy();
  await until(() => mock.callCount() > 0, 'it looks for the sandbox');
  mock.restore();
  await until(() => asking.length === 2, 'it asks again');
  asking[1]?.end('{"success":true,"result":1792}');
  await watching;
  assert.deepEqual(exits, [7]);
});
