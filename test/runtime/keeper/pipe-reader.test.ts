import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PipeReader } from '../../../runtime/keeper/pipe-reader.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { until } from '../../support/until.js';

const LONG_MS = 60_000;

/** A reader of `left` bytes whose sink takes them while `takes` says so. */
function readerOf(left: number, takes = () => true) {
  const { reader: fd, writer } = makePipe();
  const write = promisify(fs.write);
  let said = '';
  const reader = new PipeReader({ fd, left }, (data) => {
    said += data;
    return takes();
  });
  return {
    reader,
    write: (text: string) => write(writer, text),
    end: () => fs.closeSync(writer),
    said: () => said,
  };
}

test('the first bytes are handed on, the rest is read and dropped, and the end is noticed at once', async () => {
  const { reader, write, end, said } = readerOf(5);
  await write('one two');
  await until(() => said() === 'one t', 'the first bytes');
  assert.equal(reader.memory?.left, 0);
  await write('x'.repeat(200_000)); // a pipe holds 64 KiB: who does not read it stops who writes
  end();
  await reader.silent(LONG_MS, performance.now() + LONG_MS);
  assert.equal(reader.memory, undefined);
  assert.equal(said(), 'one t');
  reader.close();
});

test('what is silent is left alone after a while, also while somebody still holds the pipe', async () => {
  const { reader, write, end, said } = readerOf(100);
  await write('a');
  const began = performance.now();
  await reader.silent(50, began + LONG_MS);
  assert.equal(said(), 'a');
  assert.ok(performance.now() - began >= 45);
  reader.close();
  end();
});

test('one that is frozen takes nothing until it is thawed; one whose sink is full waits for that', async () => {
  let full = false;
  const { reader, write, end, said } = readerOf(100, () => !full);
  reader.freeze();
  await write('a');
  await sleep(50);
  assert.equal(said(), '');
  full = true;
  reader.thaw();
  await until(() => said() === 'a', 'what was written meanwhile');
  await write('b');
  await sleep(50);
  assert.equal(said(), 'a');
  full = false;
  reader.drained();
  await until(() => said() === 'ab', 'what came while the sink was full');
  reader.close();
  end();
});

test('none: it has ended already', async () => {
  const reader = new PipeReader(undefined, () => assert.fail());
  await reader.silent(LONG_MS, performance.now() + LONG_MS);
  assert.equal(reader.memory, undefined);
  reader.close();
});
