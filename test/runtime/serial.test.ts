import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Serial } from '../../runtime/serial.js';

test('one after the other, in the order in which they came, however long each takes', async () => {
  const serial = new Serial();
  const log: string[] = [];
  const operation = (name: string, turns: number) => async () => {
    log.push(`${name} begins`);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
    return name;
  };
  const all = [serial.run(operation('a', 9)), serial.run(operation('b', 0)), serial.run(operation('c', 3))];
  assert.deepEqual(log, [], 'nothing begins before its caller goes on');
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c']);
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.equal(await serial.run(async () => 7), 7, 'also when it was idle');
});

test('a failure is its own caller’s; what comes after it runs', async () => {
  const serial = new Serial();
  const failed = serial.run(() => Promise.reject(new Error('first')));
  const thrown = serial.run((): Promise<void> => {
    throw new Error('second');
  });
  const after = serial.run(async () => 'after');
  await assert.rejects(failed, /first/);
  await assert.rejects(thrown, /second/);
  assert.equal(await after, 'after');
});
