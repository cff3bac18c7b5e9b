import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { DecodeError } from '../../cri/api/wire.js';
import { errorCodeOf, errorOf, statusOf } from '../../cri/status.js';
import { CribError, ERROR_CODES } from '../../runtime/errors.js';

/** As grpc-js gives a client the status that a server sent. */
function received(code: number, details: string): ServiceError {
  return Object.assign(new Error(`${code} ${details}`), { code, details, metadata: new Metadata() });
}

test('every code of crib is a code of gRPC, and comes back as the error that it was', () => {
  for (const code of ERROR_CODES) {
    const sent = statusOf(new CribError(code, 'what happened'));
    assert.deepEqual(sent, { code: status[code], details: 'what happened' });
    const back = errorOf(received(sent.code, sent.details));
    assert.deepEqual([back.code, back.message], [code, 'what happened']);
  }
});

test('a request that cannot be decoded is the fault of the client; anything unknown is that of crib', () => {
  assert.equal(errorCodeOf(new DecodeError('config', 'not valid UTF-8')), 'INVALID_ARGUMENT');
  assert.equal(errorCodeOf(new TypeError('a bug')), 'INTERNAL');
  assert.equal(errorCodeOf('text'), 'INTERNAL');
  assert.equal(errorCodeOf(Object.assign(new Error(''), { code: 'ENOSPC' })), 'RESOURCE_EXHAUSTED');
});

test('a message is cut to what fits a header, and is text that can be encoded', () => {
  const { details } = statusOf(new Error(`${'x'.repeat(4095)}😀${'x'.repeat(100_000)}`));
  assert.ok(details.length < 4200 && details.endsWith('… (cut)'));
  assert.doesNotThrow(() => encodeURI(details));
  assert.doesNotThrow(() => encodeURI(statusOf(new Error('\ud800')).details));
});

test('a code that crib does not use, and a status without a message', () => {
  const back = errorOf(received(status.OUT_OF_RANGE, ''));
  assert.deepEqual([back.code, back.message], ['UNKNOWN', `${status.OUT_OF_RANGE} `]);
});
