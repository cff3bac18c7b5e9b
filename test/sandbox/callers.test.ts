import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Callers } from '../../sandbox/callers.js';

test('the signal fires when the last of those who waited has given up, and says why', () => {
  const callers = new Callers();
  const [first, second] = [new AbortController(), new AbortController()];
  callers.add(first.signal);
  callers.add(second.signal);
  first.abort(new Error('first'));
  assert.equal(callers.signal.aborted, false);
  second.abort(new Error('second'));
  assert.equal(callers.signal.aborted, true);
  assert.equal((callers.signal.reason as Error).message, 'second');
});

test('one who has given up before waits for nothing', () => {
  const callers = new Callers();
  const waits = new AbortController();
  callers.add(waits.signal);
  callers.add(AbortSignal.abort());
  assert.equal(callers.signal.aborted, false);
});
