import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import {
  cancelled,
  networkFailure,
  RegistryFailure,
  registryMessage,
  statusFailure,
} from '../../../../runtime/images/registry/failure.js';

const said = (body: unknown, type = 'application/json') =>
  registryMessage(type, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

test('a status says what to do about it, and whether asking again may help', () => {
  for (const [status, code, retryable] of [
    [400, 'INVALID_ARGUMENT', false],
    [401, 'UNAUTHENTICATED', false],
    [403, 'PERMISSION_DENIED', false],
    [404, 'NOT_FOUND', false],
    [408, 'UNAVAILABLE', true],
    [410, 'NOT_FOUND', false],
    [418, 'UNKNOWN', false],
    [429, 'RESOURCE_EXHAUSTED', true],
    [503, 'UNAVAILABLE', true],
  ] as const) {
    const failure = statusFailure('pull x', status, '', 5);
    assert.deepEqual([failure.code, failure.retryable, failure.retryAfterMs], [code, retryable, 5]);
    assert.match(failure.message, new RegExp(`^pull x: HTTP status ${status}`));
  }
  assert.match(statusFailure('x', 401, 'who?', undefined).message, /401, who\?; the credentials are missing or wrong/);
});

test('a broken connection may pass, a certificate or plain HTTP will not; what the caller ended keeps its code', () => {
  const error = (code: string, message = 'm') => Object.assign(new Error(message), { code });
  const kind = (thrown: unknown) => {
    const failure = networkFailure('get x', thrown);
    return [failure.code, failure instanceof RegistryFailure && failure.retryable];
  };
  assert.deepEqual(kind(error('ECONNRESET')), ['UNAVAILABLE', true]);
  assert.deepEqual(kind(error('CERT_HAS_EXPIRED')), ['FAILED_PRECONDITION', false]);
  assert.deepEqual(kind(error('EPROTO')), ['FAILED_PRECONDITION', false]);
  assert.deepEqual(kind('text'), ['UNAVAILABLE', true]);
  const own = new CribError('DATA_LOSS', 'y');
  assert.equal(networkFailure('get x', own), own);
  assert.equal(networkFailure('get x', error('ECONNREFUSED', '')).message, 'get x: ECONNREFUSED');
  const abort = new AbortController();
  abort.abort(new CribError('DEADLINE_EXCEEDED', 'too late'));
  assert.deepEqual(
    [cancelled('x', abort.signal).code, cancelled('x', abort.signal).message],
    ['DEADLINE_EXCEEDED', 'x: too late'],
  );
  assert.equal(cancelled('x', AbortSignal.abort()).code, 'CANCELLED');
});

test('a registry’s own words are taken on one line, bounded, and never as markup', () => {
  const errors = [{ code: 'DENIED', message: 'no\n\tway' }, { code: 'X' }, null, { message: 7 }, 'text'];
  assert.equal(said({ errors }), 'DENIED: no way; X;');
  assert.equal(said({ error: 'invalid_token', error_description: 'it\u001b[31m ended\u202e' }), 'it [31m ended');
  assert.equal(said({ error: 'plain' }), 'plain');
  assert.equal(said({ details: 'more' }), 'more');
  for (const body of ['<html>secret</html>', '', 'null', '[]', '7', '{"errors":{}}'])
    assert.equal(said(body), '', body);
  assert.equal(said('just text', 'text/plain; charset=utf-8'), 'just text');
  assert.equal(said({ message: 'x'.repeat(1000) }), `${'x'.repeat(300)}…`);
  assert.equal(
    said({ errors: Array.from({ length: 50 }, (_, index) => ({ code: `E${index}` })) }),
    'E0; E1; E2; E3; E4',
  );
});
