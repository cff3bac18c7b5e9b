import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callMetrics } from '../../../cri/observe/call-metrics.js';
import { Registry } from '../../../cri/observe/registry.js';

test('counts calls by method and code, those in progress too', async () => {
  const registry = new Registry();
  const observe = callMetrics(registry);
  const call = { service: 's', method: 'Version', metadata: () => undefined };
  let during = '';
  await observe(call, async () => {
    during = await registry.text();
    return { code: 'OK', message: '', about: {} };
  });
  await observe(call, async () => ({ code: 'NOT_FOUND', message: 'gone', about: {} }));
  assert.match(during, /^crib_rpc_in_progress\{method="Version"\} 1$/m);
  const text = await registry.text();
  assert.match(text, /^crib_rpc_in_progress\{method="Version"\} 0$/m);
  assert.match(text, /^crib_rpc_total\{method="Version",code="OK"\} 1$/m);
  assert.match(text, /^crib_rpc_total\{method="Version",code="NOT_FOUND"\} 1$/m);
  assert.match(text, /^crib_rpc_seconds_count\{method="Version"\} 2$/m);
});
