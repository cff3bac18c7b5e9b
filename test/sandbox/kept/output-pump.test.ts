import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutputPump } from '../../../sandbox/kept/output-pump.js';
import { retainedBy } from '../../support/heap.js';
import { Counter } from '../../support/session-client.js';

const NEVER = new AbortController().signal;

test('what was written before the exit is moved, however slow the client; a source that goes on is not waited for', async () => {
  const source = new PassThrough({ highWaterMark: 1 << 20 });
  const sink = new Counter(100);
  const pump = new OutputPump(source, sink);
  source.write(Buffer.alloc(300_000));
  const drained = pump.drained(NEVER);
  const timer = setInterval(() => source.write('x'), 100);
  await drained;
  clearInterval(timer);
  assert.ok(sink.bytes >= 300_000);
  assert.ok(sink.writableFinished);
  assert.ok(source.destroyed);
});

test('a silent source is let go half a second after the exit, an ended one at once', async () => {
  const order: string[] = [];
  const silent = new OutputPump(new PassThrough(), new Counter()).drained(NEVER).then(() => order.push('silent'));
  const ended = new PassThrough();
  const first = new OutputPump(ended, new Counter());
  ended.end('x');
  await first.drained(NEVER).then(() => order.push('ended'));
  await silent;
  assert.deepEqual(order, ['ended', 'silent']);
});

test('a client that is gone does not stop the source, and one that is stuck is left when the session is over', async () => {
  const source = new PassThrough();
  const gone = new Counter();
  const pump = new OutputPump(source, gone);
  gone.destroy();
  for (let count = 0; count < 100; count += 1) {
    source.write(Buffer.alloc(10_000));
    await sleep(0);
  }
  assert.equal(source.readableLength, 0);
  source.end();
  await pump.ended(NEVER);

  const abort = new AbortController();
  const stuckSource = new PassThrough();
  const stuck = new OutputPump(stuckSource, new Writable({ write: () => undefined }));
  stuckSource.end('x');
  setTimeout(() => abort.abort(), 50);
  await stuck.ended(abort.signal);
});

test('a source that always has more lets others run', async () => {
  const source = new PassThrough({ highWaterMark: 64 << 20 });
  for (let count = 0; count < 320; count += 1) source.write(Buffer.alloc(64 << 10));
  const sink = new Counter();
  const pump = new OutputPump(source, sink);
  let turns = 0;
  const turn = () => {
    turns += 1;
    if (sink.bytes < 20 << 20) setImmediate(turn);
  };
  setImmediate(turn);
  source.end();
  await pump.ended(NEVER);
  assert.ok(turns >= 40, `${turns} turns for 80 pieces of 256 KiB`);
});

test('a client that takes nothing for hours costs no more for each moment', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const source = new PassThrough();
  const abort = new AbortController();
  const pump = new OutputPump(source, new Writable({ highWaterMark: 1, write: () => undefined }));
  source.write('x');
  const drained = pump.drained(abort.signal);
  const pass = async (ticks: number) => {
    for (let tick = 0; tick < ticks; tick += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      t.mock.timers.tick(20);
    }
  };
  await pass(1000);
  const retained = await retainedBy(() => pass(20_000));
  assert.ok(retained < 2_000_000, `${retained} bytes for 20,000 ticks`);
  abort.abort();
  await pass(2);
  await drained;
});
