import assert from 'node:assert/strict';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerInput } from '../../../runtime/keeper/input.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';

/** A client's pipe: what is written to one end comes out of the other. */
function makeSource(): { source: net.Socket; typed: net.Socket } {
  const { reader, writer } = makePipe();
  const typed = new net.Socket({ fd: writer, readable: false, writable: true });
  typed.on('error', () => undefined);
  return { source: new net.Socket({ fd: reader, readable: true, writable: false }), typed };
}

test('several clients type; none of them closes what the others need', async () => {
  const sink = new PassThrough();
  const input = new ContainerInput(sink);
  const [one, two] = [makeSource(), makeSource()];
  for (const { source } of [one, two]) input.join(source);
  one.typed.end('one ');
  await sleep(50);
  two.typed.end('two');
  await sleep(50);
  assert.equal(String(sink.read()), 'one two');
  assert.equal(sink.writableEnded, false);
  input.close();
  assert.equal(sink.writableEnded, true);
});

test('when nobody reads it any more, clients type on without an effect', async () => {
  const sink = new PassThrough();
  const input = new ContainerInput(sink);
  const before = makeSource();
  input.join(before.source);
  sink.destroy(new Error('EPIPE'));
  await sleep(10);
  const later = makeSource();
  input.join(later.source);
  for (const { typed, source } of [before, later]) {
    await new Promise((resolve) => typed.end(Buffer.alloc(1_000_000), () => resolve(undefined)));
    await new Promise((resolve) => (source.destroyed ? resolve(undefined) : source.once('close', resolve)));
  }
});
