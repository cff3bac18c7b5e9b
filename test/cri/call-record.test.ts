import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginRecord } from '../../cri/call-record.js';
import { CribError } from '../../runtime/errors.js';
import { recordingLog } from '../support/log.js';

test('what went well is told in little, with what it was about and nothing else of the request', () => {
  const { log, lines } = recordingLog();
  const record = beginRecord({ name: 'ExecSync' }, log);
  record.about({ containerId: 'c'.repeat(500), podSandboxId: '', cmd: ['a', 'secret'] });
  assert.deepEqual(record.succeeded(), { code: 'OK', message: '', about: { containerId: 'c'.repeat(128) } });
  const [{ level, fields } = assert.fail()] = lines;
  assert.deepEqual([level, Object.keys(fields).sort()], ['debug', ['call', 'containerId', 'ms']]);
});

test('a failure of the request is information, one of crib or its host a warning, a bug an error with its place', () => {
  for (const [error, level, code] of [
    [new CribError('NOT_FOUND', 'no such pod'), 'info', 'NOT_FOUND'],
    [new CribError('INVALID_ARGUMENT', 'x'), 'info', 'INVALID_ARGUMENT'],
    [new CribError('UNAVAILABLE', 'x'), 'warn', 'UNAVAILABLE'],
    [new CribError('RESOURCE_EXHAUSTED', 'x'), 'warn', 'RESOURCE_EXHAUSTED'],
    [new TypeError('a bug'), 'error', 'INTERNAL'],
    ['text', 'error', 'INTERNAL'],
  ] as const) {
    const { log, lines } = recordingLog();
    const { outcome } = beginRecord({ name: 'Version' }, log).failed(error);
    assert.deepEqual([lines[0]?.level, outcome.code, lines.length], [level, code, 1]);
    assert.equal('stack' in (lines[0]?.fields ?? {}), level === 'error');
  }
});
