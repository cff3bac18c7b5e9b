import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { attempting, CribError, codeOf, messageOf } from '../../runtime/errors.js';
import { SyscallError } from '../../runtime/linux/libc.js';

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return assert.fail('it did not throw');
}

test('the code is the error’s own, else that of its errno, else INTERNAL', () => {
  for (const [error, code] of [
    [new CribError('NOT_FOUND', 'x'), 'NOT_FOUND'],
    [Object.assign(new Error('x'), { code: 'EMFILE' }), 'RESOURCE_EXHAUSTED'],
    [new SyscallError('open', 28, '/x'), 'RESOURCE_EXHAUSTED'],
    [new SyscallError('open', 30, '/x'), 'FAILED_PRECONDITION'],
    [thrownBy(() => fs.readFileSync('/does/not/exist')), 'INTERNAL'],
    [Object.assign(new Error('x'), { code: 'toString' }), 'INTERNAL'],
    [Object.assign(new Error('x'), { code: 5 }), 'INTERNAL'],
    [{ code: 'EMFILE' }, 'INTERNAL'],
    ['text', 'INTERNAL'],
    [undefined, 'INTERNAL'],
  ] as const) {
    assert.equal(codeOf(error), code, String(error));
  }
});

test('what was attempted stands before the reason, whose code stays', () => {
  const cause = new CribError('NOT_FOUND', 'no such pod');
  const error = attempting('stopping pod p', cause);
  assert.deepEqual([error.code, error.message, error.cause], ['NOT_FOUND', 'stopping pod p: no such pod', cause]);
  assert.equal(attempting('reading', 'text').message, 'reading: text');
  assert.deepEqual([messageOf(new Error('m')), messageOf(null), messageOf(7)], ['m', 'null', '7']);
});
