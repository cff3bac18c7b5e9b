import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvent } from '../../../sandbox/gvisor/usage.js';

test('what runsc says of a container; Go leaves out what is zero', () => {
  const data = {
    cpu: { usage: { total: 129796791 } },
    memory: { usage: { limit: 0, usage: 2772992 } },
    pids: { current: 3 },
  };
  const text = JSON.stringify({ type: 'stats', id: 'c', data });
  assert.deepEqual(parseEvent(text), { cpuUsageNs: 129796791n, memory: 2772992, pids: 3 });
  assert.deepEqual(parseEvent('{"data":{"cpu":{"usage":{}}}}'), { cpuUsageNs: 0n, memory: 0, pids: 0 });
  assert.throws(() => parseEvent('{}'), { code: 'INTERNAL' });
});
