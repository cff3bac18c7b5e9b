/** Over a real terminal, which the test makes and sends as an OCI runtime does. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { descriptorOf } from '../../../runtime/keeper/socket-descriptor.js';
import { bind } from '../../../runtime/linux/libc.js';
import { sendDescriptors } from '../../../runtime/linux/sockets.js';
import { SessionTerminal } from '../../../sandbox/kept/session-terminal.js';
import { type SessionClient, sessionClient } from '../../support/session-client.js';
import { until } from '../../support/until.js';

const LIMIT = { timeout: 30_000 };
/** asm-generic/ioctls.h; both take a pointer to an int. */
const [TIOCSPTLCK, TIOCGPTN] = [0x40045431, 0x80045430];
const ioctl = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');

interface Room {
  readonly terminal: SessionTerminal;
  /** The program's end. */
  readonly slave: { readonly name: string; readonly fd: number };
  start(): Promise<void>;
}

function room(t: TestContext, client: SessionClient): Room {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-terminal-'));
  const terminal = new SessionTerminal(directory, 'console.sock', client.streams);
  const master = fs.openSync('/dev/ptmx', fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  ioctl([master, TIOCSPTLCK, Buffer.alloc(4)], 'TIOCSPTLCK');
  const number = Buffer.alloc(4);
  ioctl([master, TIOCGPTN, number], 'TIOCGPTN');
  const name = `/dev/pts/${number.readInt32LE(0)}`;
  const fd = fs.openSync(name, fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  execFileSync('stty', ['-F', name, 'raw', '-echo']);
  t.after(() => {
    terminal.close();
    fs.rmSync(directory, { recursive: true });
  });
  const start = async (): Promise<void> => {
    const socket = net.connect(terminal.consoleSocket);
    await once(socket, 'connect');
    assert.ok(sendDescriptors(descriptorOf(socket), Buffer.from('/dev/console'), [master]));
    terminal.start();
    fs.closeSync(master);
    socket.destroy();
  };
  return { terminal, slave: { name, fd }, start };
}

const sizeOf = (name: string): string => execFileSync('stty', ['-F', name, 'size'], { encoding: 'utf8' }).trim();
const drained = (terminal: SessionTerminal) => terminal.drained(AbortSignal.timeout(10_000));

test(
  'the window that the client told before there was a terminal is set, and so is each later one',
  LIMIT,
  async (t) => {
    const client = sessionClient(['stdout'], { width: 77, height: 33 });
    const { terminal, slave, start } = room(t, client);
    assert.deepEqual(terminal.size, { width: 77, height: 33 });
    await start();
    assert.equal(sizeOf(slave.name), '33 77');
    client.resize({ width: 100, height: 40 });
    assert.equal(sizeOf(slave.name), '40 100');
    fs.closeSync(slave.fd);
    await drained(terminal);
    client.resize({ width: 1, height: 1 });
  },
);

test(
  'bytes go both ways as they are, and all that was written is there when the program has ended',
  LIMIT,
  async (t) => {
    const client = sessionClient(['stdin', 'stdout']);
    const { terminal, slave, start } = room(t, client);
    await start();
    client.stdin.write('typed \xff\x03', 'latin1');
    const buffer = Buffer.alloc(100);
    let typed = '';
    fs.read(slave.fd, buffer, 0, 100, null, (_, length) => {
      typed = buffer.toString('latin1', 0, length);
    });
    await until(() => typed !== '', 'what was typed comes');
    assert.equal(typed, 'typed \xff\x03');
    const said = `\x1b[31m\xe9${'x'.repeat(2000)}the end`;
    fs.writeSync(slave.fd, Buffer.from(said, 'latin1'));
    fs.closeSync(slave.fd);
    await drained(terminal);
    assert.equal(client.stdout(), said);
  },
);

test('output that nobody asked for stops no program', LIMIT, async (t) => {
  const { terminal, slave, start } = room(t, sessionClient([]));
  await start();
  const piece = Buffer.alloc(1024, 'x');
  let written = 0;
  const write = (): void =>
    fs.write(slave.fd, piece, (error, bytes) => {
      assert.equal(error, null);
      written += bytes;
      if (written < 256 * 1024) write();
    });
  write();
  await until(() => written >= 256 * 1024, 'it is all written');
  fs.closeSync(slave.fd);
  await drained(terminal);
});

test('a runtime that sent no terminal is told as that', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-terminal-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const before = fs.readdirSync('/proc/self/fd').length;
  const terminal = new SessionTerminal(directory, 'console.sock', sessionClient(['stdout']).streams);
  assert.throws(() => terminal.start(), /sent no terminal/);
  await drained(terminal);
  terminal.close();
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
