import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Undo, Unfinished } from '../../runtime/undo.js';
import { recordingLog } from '../support/log.js';

test('success lets go; failure undoes in reverse, and is thrown as it was', async () => {
  const { log } = recordingLog();
  const unfinished = new Unfinished(log);
  const done: string[] = [];
  const operation = (fails: boolean) => async (undo: Undo) => {
    undo.push('run-pod/undo', () => void done.push('first'));
    undo.push('create-container/undo', async () => void done.push('second'));
    if (fails) throw new Error('half way');
    return 'whole';
  };
  assert.equal(await Undo.guard(unfinished, operation(false)), 'whole');
  assert.deepEqual(done, []);
  await assert.rejects(Undo.guard(unfinished, operation(true)), { message: 'half way' });
  assert.deepEqual(done, ['second', 'first']);
  await unfinished.retry();
  assert.deepEqual(done, ['second', 'first']);
});

test('an undo that fails keeps no other from running, and is tried again until it succeeds', async () => {
  const { log, lines } = recordingLog();
  const unfinished = new Unfinished(log);
  const done: string[] = [];
  let failures = 2;
  const operation = async (undo: Undo) => {
    undo.push('run-pod/undo', () => void done.push('other'));
    undo.push('create-container/undo', () => {
      if (failures-- > 0) throw new Error('busy');
      done.push('at last');
    });
    throw new Error('half way');
  };
  await assert.rejects(Undo.guard(unfinished, operation), { message: 'half way' });
  assert.deepEqual(done, ['other']);
  await unfinished.retry();
  await Promise.all([unfinished.retry(), unfinished.retry()]);
  await unfinished.retry();
  assert.deepEqual(done, ['other', 'at last']);
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.step]),
    Array.from({ length: 2 }, () => ['warn', 'create-container/undo']),
  );
});

test('undos that hang hold up what is made next for two seconds, however many they are', async (t) => {
  const unfinished = new Unfinished(recordingLog().log);
  let hangs = false;
  for (let count = 0; count < 20; count++) {
    const operation = async (undo: Undo) => {
      undo.push('run-pod/undo', () => (hangs ? new Promise(() => undefined) : Promise.reject(new Error('no answer'))));
      throw new Error('half way');
    };
    await assert.rejects(Undo.guard(unfinished, operation), { message: 'half way' });
  }
  hangs = true;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const both = Promise.all([unfinished.retry(), unfinished.retry()]);
  await new Promise(setImmediate);
  t.mock.timers.tick(2_000);
  await both;
});
