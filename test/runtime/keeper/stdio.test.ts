import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { readAvailable } from '../../../runtime/keeper/output.js';
import {
  ConsoleSocket,
  closeContainerEnds,
  closeKeeperEnds,
  makeFifos,
  reopenFifos,
} from '../../../runtime/keeper/stdio.js';
import { F } from '../../../runtime/linux/constants.js';
import { fcntl } from '../../../runtime/linux/files.js';

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-stdio-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const STDIO = { tty: false, stdin: true, stdinOnce: false, uid: 1000, gid: 1001, logPath: '', maxLineBytes: 1 };
const openFiles = () => fs.readdirSync('/proc/self/fd').length;

test('FIFOs belong to the user of the container, and bytes go from each end to the other', () => {
  const before = openFiles();
  const { keeper, container } = makeFifos(directory, STDIO);
  for (const name of ['stdin', 'stdout', 'stderr']) {
    const fifo = fs.statSync(path.join(directory, name));
    assert.ok(fifo.isFIFO());
    assert.deepEqual([fifo.uid, fifo.gid, fifo.mode & 0o777], [1000, 1001, 0o600]);
  }
  fs.writeSync(Number(container.stdout), 'out');
  fs.writeSync(container.stderr, 'err');
  assert.equal(readAvailable(keeper.stdout ?? -1, 10).toString(), 'out');
  assert.equal(readAvailable(keeper.stderr ?? -1, 10).toString(), 'err');
  fs.writeSync(keeper.stdin ?? -1, 'in');
  const taken = Buffer.alloc(2);
  fs.readSync(Number(container.stdin), taken);
  assert.equal(taken.toString(), 'in');
  assert.equal(
    fcntl(Number(container.stdin), F.GETFL) & fs.constants.O_NONBLOCK,
    0,
    'the container reads as from a terminal',
  );
  closeContainerEnds(container);
  closeKeeperEnds(keeper);
  assert.equal(openFiles(), before);
});

test('without a reader a writer of output lives on, and the next keeper finds the bytes', () => {
  const { keeper, container } = makeFifos(directory, { ...STDIO, stdin: false });
  assert.deepEqual([container.stdin, keeper.stdin], ['ignore', undefined]);
  assert.ok(!fs.existsSync(path.join(directory, 'stdin')));
  closeKeeperEnds(keeper);
  fs.writeSync(Number(container.stdout), 'while nobody reads');
  const next = reopenFifos(directory);
  assert.equal(readAvailable(next.stdout ?? -1, 100).toString(), 'while nobody reads');
  assert.equal(next.stdin, undefined);
  closeContainerEnds(container);
  closeKeeperEnds(next);
});

test('a name that is taken fails, and nothing stays open; what is gone is not reopened', () => {
  const before = openFiles();
  fs.symlinkSync('/dev/null', path.join(directory, 'stderr'));
  assert.throws(() => makeFifos(directory, STDIO), { code: 'EEXIST' });
  assert.equal(openFiles(), before);
  fs.unlinkSync(path.join(directory, 'stdout'));
  const ends = reopenFifos(directory);
  assert.deepEqual(ends, { stdout: undefined, stderr: undefined, stdin: undefined, terminal: undefined });
  assert.equal(openFiles(), before, 'a stdin that nobody reads is ENXIO, a symlink ELOOP');
});

test('a console socket is private, works however long its path is, and gives nothing where nothing was sent', async () => {
  const before = openFiles();
  const deep = path.join(directory, 'd'.repeat(120));
  fs.mkdirSync(deep);
  for (const place of [directory, deep]) {
    const socket = new ConsoleSocket(place);
    assert.ok(Buffer.byteLength(socket.path) <= 107);
    assert.equal(fs.statSync(path.join(place, 'console.sock')).mode & 0o777, 0o600);
    assert.equal(socket.take(), undefined, 'nobody has connected');
    const client = net.connect(socket.path);
    await once(client, 'connect');
    assert.equal(socket.take(), undefined, 'and sent nothing');
    client.destroy();
    await once(client, 'close');
    assert.throws(() => new ConsoleSocket(place), { code: 'EADDRINUSE' });
    socket.close();
  }
  assert.equal(openFiles(), before);
});
