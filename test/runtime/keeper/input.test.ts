import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerInput, Keyboard } from '../../../runtime/keeper/input.js';
import { openPassed, passPipe } from '../../../runtime/keeper/passed-pipe.js';
import { PipeWriter } from '../../../runtime/keeper/pipe-writer.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { until } from '../../support/until.js';

/** A client's pipe: what is typed comes out of `fd`. */
function makeClient(): { fd: number; typed: net.Socket } {
  const { reader, writer } = makePipe();
  const typed = new net.Socket({ fd: writer, readable: false, writable: true });
  return { fd: reader, typed: typed.on('error', () => undefined) };
}

/** A container's stdin: what it would read. */
function makeStdin(): { writer: PipeWriter; stdin: net.Socket } {
  const pipe = makePipe();
  const { stdout } = openPassed({ stdout: passPipe(pipe.writer) });
  fs.closeSync(pipe.writer);
  return {
    writer: new PipeWriter(stdout ?? -1, 0),
    stdin: new net.Socket({ fd: pipe.reader, readable: true, writable: false }),
  };
}

test('several clients type, at the pace of the container; none of them closes what the others need', async () => {
  const { writer, stdin } = makeStdin();
  const input = new ContainerInput(writer);
  const clients = [makeClient(), makeClient(), makeClient()];
  for (const { fd, typed } of clients) {
    input.join(fd);
    typed.end(Buffer.alloc(400_000, 'x'));
  }
  await sleep(200);
  let length = 0;
  stdin.on('data', (data: Buffer) => {
    length += data.length;
  });
  await until(() => length === 1_200_000, 'all of it arrives');
  assert.equal(stdin.readableEnded, false);
  input.close();
  await new Promise((resolve) => stdin.once('end', resolve));
});

test('when nobody reads it any more, clients type on without an effect', async () => {
  const { writer, stdin } = makeStdin();
  const input = new ContainerInput(writer);
  stdin.destroy();
  await sleep(20);
  const clients = [makeClient(), makeClient()];
  const sources = clients.map(({ fd }) => input.join(fd));
  for (const { typed } of clients) typed.end(Buffer.alloc(1_000_000));
  await Promise.all(sources.map((source) => source.closed || new Promise((resolve) => source.once('close', resolve))));
});

test('a terminal is typed into, and stays open', async () => {
  const terminal = new PassThrough({ highWaterMark: 0 });
  const input = new ContainerInput(new Keyboard(terminal));
  const client = makeClient();
  input.join(client.fd);
  client.typed.end(Buffer.alloc(200_000, 'x'));
  let length = 0;
  terminal.on('data', (data: Buffer) => {
    length += data.length;
  });
  await until(() => length === 200_000, 'all of it arrives');
  input.close();
  input.destroy();
  assert.deepEqual([terminal.writableEnded, terminal.destroyed], [false, false]);
});
