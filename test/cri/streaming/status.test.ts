import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeStatus, exitStatus, failedStatus } from '../../../cri/streaming/status.js';

test('success is a Status, and nothing before version 4', () => {
  assert.deepEqual(JSON.parse(encodeStatus(exitStatus(0), true).toString()), { metadata: {}, status: 'Success' });
  assert.equal(encodeStatus(exitStatus(0), false).length, 0);
});

test('an exit code stands where client-go looks for it', () => {
  const status = JSON.parse(encodeStatus(exitStatus(42), true).toString());
  assert.equal(status.status, 'Failure');
  assert.equal(status.reason, 'NonZeroExitCode');
  assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '42' }]);
  assert.match(encodeStatus(exitStatus(42), false).toString(), /exit status 42/);
});

test('a failed start says what and why', () => {
  const status = failedStatus('error executing command in container', new Error('no such file'));
  assert.equal(status.reason, 'InternalError');
  assert.equal(status.code, 500);
  const message = 'Internal error occurred: error executing command in container: no such file';
  assert.equal(status.message, message);
  assert.equal(encodeStatus(status, false).toString(), message);
});
