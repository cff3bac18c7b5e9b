import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSignal, signalNumber } from '../../../runtime/containers/signals.js';

test('signals by name, number and offset', () => {
  const cases: Record<string, number> = {
    SIGTERM: 15,
    term: 15,
    '9': 9,
    SIGCLD: 17,
    SIGPOLL: 29,
    'SIGRTMIN+3': 37,
    RTMIN: 34,
    'SIGRTMAX-2': 62,
    SIGRTMAX: 64,
  };
  for (const [name, number] of Object.entries(cases)) {
    assert.equal(signalNumber(name), number, name);
    assert.equal(isSignal(name), true, name);
  }
});

test('what is no signal is refused', () => {
  for (const name of ['', '0', '65', 'SIGFOO', 'SIGRTMIN+31', 'SIGRTMAX+1', '1e1', '-9', 'SIGRTMIN+']) {
    assert.throws(() => signalNumber(name), { code: 'INVALID_ARGUMENT' }, name);
    assert.equal(isSignal(name), false, name);
  }
});
