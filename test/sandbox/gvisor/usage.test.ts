import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupSampler } from '../../../runtime/cgroups/sampler.js';
import type { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { parseEvent, SentryUsage } from '../../../sandbox/gvisor/usage.js';
import { retainedBy } from '../../support/heap.js';

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

test('of a container that is asked about while it is removed nothing is remembered', async () => {
  const sampler = { statsCached: async () => undefined } as unknown as CgroupSampler;
  const usage = new SentryUsage({} as OciRuntime, sampler);
  const ask = (id: string) => usage.of({ id, root: id.repeat(100), log: '' }, 'cgroup', false);
  await ask('first');
  const retained = await retainedBy(async () => {
    for (let count = 0; count < 5000; count += 1) assert.equal(await ask(`container-${count}`), undefined);
  });
  assert.ok(retained < 1_000_000, `${retained} bytes for 5000 containers`);
});
