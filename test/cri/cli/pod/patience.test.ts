import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patiently } from '../../../../cri/cli/pod/patience.js';
import { CribError } from '../../../../runtime/errors.js';

/** Fails with the errors in turn, then answers. */
function failing(...errors: Error[]): { call: () => Promise<number>; calls: () => number } {
  let calls = 0;
  const call = async () => {
    const error = errors[calls++];
    if (error !== undefined) throw error;
    return calls;
  };
  return { call, calls: () => calls };
}

const away = new CribError('UNAVAILABLE', 'nobody answers');

test('a daemon that is away for a moment is asked again', async () => {
  assert.equal(await patiently(failing(away, away).call), 3);
});

test('an answer that is an error is one, whatever it says', async () => {
  const answers = [
    new CribError('NOT_FOUND', 'x'),
    new CribError('DEADLINE_EXCEEDED', 'x'),
    new TypeError('UNAVAILABLE'),
  ];
  for (const error of answers) {
    const { call, calls } = failing(error);
    await assert.rejects(patiently(call), error);
    assert.equal(calls(), 1);
  }
});

test('a daemon that stays away is given up on with what was said last', async (t) => {
  let now = performance.now();
  t.mock.method(performance, 'now', () => (now += 20_000));
  const last = new CribError('UNAVAILABLE', 'still nobody');
  const { call, calls } = failing(away, last, away, away);
  await assert.rejects(patiently(call), last);
  assert.equal(calls(), 2);
});
