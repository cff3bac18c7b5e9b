import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pumpInput } from '../../../sandbox/kept/input-pump.js';

test('the end of the client is the end of a pipe, not of a terminal', async () => {
  const [pipe, terminal] = [new PassThrough(), new PassThrough()];
  for (const [sink, ends] of [
    [pipe, true],
    [terminal, false],
  ] as const) {
    const source = new PassThrough();
    pumpInput(source, sink, ends);
    source.end('typed');
  }
  assert.equal(await text(pipe), 'typed');
  await sleep(20);
  assert.equal(terminal.writableEnded, false);
});

test('once the process takes no more, the client may go on without an effect', async () => {
  for (const how of ['error', 'stop'] as const) {
    const [source, sink] = [new PassThrough(), new PassThrough()];
    const stop = pumpInput(source, sink, true);
    if (how === 'stop') stop();
    else sink.destroy(new Error('EPIPE'));
    await sleep(10);
    for (let count = 0; count < 50; count += 1) {
      source.write(Buffer.alloc(10_000));
      await sleep(0);
    }
    assert.equal(source.readableLength, 0, how);
    assert.equal(source.destroyed, false, "it is the client's");
  }
});
