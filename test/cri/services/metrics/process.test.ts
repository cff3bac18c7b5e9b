import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROCESS_METRICS } from '../../../../cri/services/metrics/process.js';
import { NO_RESOURCES } from '../../../support/configs.js';
import { CONTAINER, DETAILS, STATS, valuesOf } from './measured.js';

const limitsOf = (resources: object) => {
  const container = { ...CONTAINER, resources: { ...NO_RESOURCES, ...resources } };
  const values = valuesOf(PROCESS_METRICS, { container });
  return Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith('spec_')));
};

test('a limit of none is 0, whether it was lifted or never set', () => {
  const none = {
    spec_cpu_period: 0,
    spec_cpu_quota: 0,
    spec_cpu_shares: 0,
    spec_memory_limit_bytes: 0,
    spec_memory_swap_limit_bytes: 0,
    spec_memory_reservation_limit_bytes: 0,
  };
  assert.deepEqual(limitsOf({}), none);
  assert.deepEqual(limitsOf({ cpuQuota: -1, memoryLimit: -1, memorySwapLimit: -1 }), none);
});

test('a limit is that of the container’s own, in the CRI’s units', () => {
  const unified = { 'memory.min': '4096', 'memory.high': '9' };
  const resources = {
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    cpuShares: 512,
    memoryLimit: 8,
    memorySwapLimit: 12,
    unified,
  };
  assert.deepEqual(limitsOf(resources), {
    spec_cpu_period: 100_000,
    spec_cpu_quota: 50_000,
    spec_cpu_shares: 512,
    spec_memory_limit_bytes: 8,
    spec_memory_swap_limit_bytes: 12,
    spec_memory_reservation_limit_bytes: 4096,
  });
});

test('processes are counted by the cgroup’s list, threads by its pids', () => {
  const values = valuesOf(PROCESS_METRICS, {
    stats: { ...STATS, pids: 9 },
    details: { ...DETAILS, processes: [7, 8] },
  });
  assert.deepEqual([values.processes, values.threads, values.threads_max], [2, 9, 100]);
  assert.equal(values.last_seen, 1_700_000_000n);
});

test('of a process that has gone, open files are not known', () => {
  const processes = { openFiles: 5, sockets: 1, maxOpenFiles: undefined };
  const values = valuesOf(PROCESS_METRICS, { processes });
  assert.deepEqual([values.file_descriptors, values.sockets, values.ulimits_soft], [5, 1, undefined]);
  assert.deepEqual(valuesOf(PROCESS_METRICS, {}), {});
});
