import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageService, RuntimeService } from '../../../cri/api/generated/index.js';
import { IMAGE_CALLS, RUNTIME_CALLS } from '../../../cri/services/services.js';

test('each of the 41 calls has one handler', () => {
  for (const [service, calls] of [
    [RuntimeService, RUNTIME_CALLS],
    [ImageService, IMAGE_CALLS],
  ] as const) {
    assert.deepEqual(Object.keys(calls).sort(), Object.keys(service).sort());
    for (const call of Object.values(calls)) assert.equal(typeof call, 'function');
  }
  assert.equal(Object.keys(RuntimeService).length + Object.keys(ImageService).length, 41);
});
