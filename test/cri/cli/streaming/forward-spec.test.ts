import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostPort, parseForward } from '../../../../cri/cli/streaming/forward-spec.js';

const RIGHT: readonly (readonly [text: string, address: string, local: number, remote: number])[] = [
  ['80', '127.0.0.1', 80, 80],
  ['8080:80', '127.0.0.1', 8080, 80],
  ['0:80', '127.0.0.1', 0, 80],
  [':80', '127.0.0.1', 0, 80],
  ['0.0.0.0:8080:80', '0.0.0.0', 8080, 80],
  ['localhost:1:2', '127.0.0.1', 1, 2],
  ['[::1]:1:2', '::1', 1, 2],
  ['10.0.0.1::2', '10.0.0.1', 0, 2],
];

for (const [text, address, local, remote] of RIGHT) {
  test(`${text}`, () => assert.deepEqual(parseForward(text), { address, local, remote }));
}

const WRONG = ['', ':', '80:', 'a', '80:0', '80:65536', '65536:80', '1:2:3', 'host:1:2', '::1:1:2', '-1:80', '80:8a'];

for (const text of WRONG) {
  test(`${JSON.stringify(text)} is refused`, () =>
    assert.throws(() => parseForward(text), { code: 'INVALID_ARGUMENT', message: new RegExp(`^the port ${text}: `) }));
}

test('an address with its port', () => {
  assert.deepEqual([hostPort('127.0.0.1', 1), hostPort('::1', 2)], ['127.0.0.1:1', '[::1]:2']);
});
