/** Containers whose init is another kernel's: a plain process stands for the sandbox, a file for what the other kernel tells. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { V8_FLAGS } from '../../../runtime/keeper/launch.js';
import type { KeptContainerSpec } from '../../../runtime/keeper/protocol.js';
import { requestUpgrade } from '../../../runtime/keeper/upgrade-request.js';
import { exitStatusIn } from '../../../runtime/keeper/watched-init.js';
import { until } from '../../support/until.js';
import { daemon, type Harness, KEEPER_PATH, withKeeper } from './harness.js';

const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' };

/** Ends when `file` is there, with what it holds; signals are written beside it. */
function watched({ spec, state }: Harness, id: string): { spec: KeptContainerSpec; file: string } {
  const file = path.join(state, `${id}.exit`);
  const wait = ['sh', '-c', 'while ! [ -e "$1" ]; do sleep 0.01; done; cat "$1"', 'sh', file];
  const note = (text: string) => ['sh', '-c', `echo ${text} >>"$1.signals"`, 'sh', file];
  const watch = { waitArgv: wait, signalArgv: note('signal {signal}'), killArgv: note('kill'), env };
  return { spec: { ...spec(id, { createArgv: daemon('exec sleep 1000') }), watch }, file };
}

const signalsOf = (file: string) => fs.readFileSync(`${file}.signals`, 'utf8').trim().split('\n');

test('the exit is what the command prints; signals go by commands and spare the sandbox', async () => {
  await withKeeper(async (harness) => {
    const { spec, file } = watched(harness, 'w');
    const { pid } = await harness.client.create(spec);
    await harness.client.signal('w', 15);
    await harness.client.killAll('w');
    assert.deepEqual(signalsOf(file), ['signal 15', 'kill']);
    process.kill(pid, 0);
    fs.writeFileSync(file, '{"id":"w","exitStatus":7}\n');
    assert.equal((await harness.exitOf('w')).exit?.exitCode, 7);
    process.kill(pid, 'SIGKILL');
    await harness.client.forget('w');
  });
});

test('a container ends with its sandbox, as one that was killed', async () => {
  await withKeeper(async (harness) => {
    const { spec } = watched(harness, 'w');
    const { pid } = await harness.client.create({
      ...spec,
      watch: { ...(spec.watch ?? assert.fail()), waitArgv: ['false'] },
    });
    process.kill(pid, 'SIGKILL');
    const { exit } = await harness.exitOf('w');
    assert.deepEqual([exit?.exitCode, exit?.signal], [137, 9]);
    await harness.client.forget('w');
  });
});

test('the next keeper asks again', async () => {
  await withKeeper(async (harness) => {
    const { spec, file } = watched(harness, 'w');
    const { pid } = await harness.client.create(spec);
    process.kill(harness.client.pid, 'SIGKILL');
    await until(async () => (await harness.client.list().catch(() => [])).length === 1, `${KEEPER_PATH} runs again`);
    fs.writeFileSync(file, '{"exitStatus":3}');
    assert.equal((await harness.exitOf('w')).exit?.exitCode, 3);
    process.kill(pid, 'SIGKILL');
    await harness.client.forget('w');
  });
});

/** A sandbox's control socket: keeps those who ask until `answer`. */
async function controlSocket(file: string) {
  const asking = new Set<net.Socket>();
  let asked = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).on('close', () => asking.delete(socket));
    socket.once('data', () => {
      asked += 1;
      asking.add(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return {
    asked: () => asked,
    asking: () => asking.size,
    answer: (text: string) => {
      for (const socket of asking) socket.write(text);
    },
    close: () => {
      for (const socket of asking) socket.destroy();
      server.close();
    },
  };
}

function asking(harness: Harness, waitArgv: readonly string[]) {
  const socket = path.join(harness.state, 'control.sock');
  const { spec } = watched(harness, 'w');
  const watch = { ...(spec.watch ?? assert.fail()), waitArgv, waitCall: { socket, request: 'tell' } };
  return { socket, spec: { ...spec, watch } };
}

test('a sandbox that can be asked needs no process that waits; each next keeper asks again, also an upgraded one', async () => {
  await withKeeper(async (harness) => {
    const { socket, spec } = asking(harness, ['sh', '-c', 'echo \'{"exitStatus":99}\'']);
    const control = await controlSocket(socket);
    const { pid } = await harness.client.create(spec);
    await until(() => control.asking() === 1, 'it is asked');
    await requestUpgrade(harness.state, { program: process.execPath, flags: V8_FLAGS, main: KEEPER_PATH });
    await until(() => control.asked() === 2 && control.asking() === 1, 'the upgraded keeper asks');
    process.kill(harness.client.pid, 'SIGKILL');
    await until(() => control.asked() === 3 && control.asking() === 1, 'the next keeper asks');
    assert.equal((await harness.client.list()).length, 1);
    assert.deepEqual(childrenOf(harness.client.pid), [], 'nothing waits');
    control.answer('{"success":true,"err":"","result":768}');
    assert.equal((await harness.exitOf('w')).exit?.exitCode, 3);
    control.close();
    process.kill(pid, 'SIGKILL');
    await harness.client.forget('w');
  });
});

function childrenOf(pid: number): string[] {
  return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
}

test('what the sandbox does not answer the command is asked', async () => {
  await withKeeper(async (harness) => {
    const { socket, spec } = asking(harness, ['sh', '-c', 'echo \'{"exitStatus":5}\'']);
    const control = await controlSocket(socket);
    const { pid } = await harness.client.create(spec);
    await until(() => control.asking() === 1, 'it is asked');
    control.answer('{"success":false,"err":"unknown method"}');
    assert.equal((await harness.exitOf('w')).exit?.exitCode, 5);
    control.close();
    process.kill(pid, 'SIGKILL');
    await harness.client.forget('w');
  });
});

test('only a whole number of a byte is an exit status', () => {
  assert.equal(exitStatusIn('{"id":"c","exitStatus":137}\n'), 137);
  for (const text of [
    '',
    'null',
    '7',
    '{}',
    '{"exitStatus":"7"}',
    '{"exitStatus":256}',
    '{"exitStatus":-1}',
    '{"exitStatus":1.5}',
  ]) {
    assert.equal(exitStatusIn(text), undefined, text);
  }
});
