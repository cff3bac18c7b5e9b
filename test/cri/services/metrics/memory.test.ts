import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MEMORY_METRICS } from '../../../../cri/services/metrics/memory.js';
import { DETAILS, SOURCE, STATS, valuesOf } from './measured.js';

test('page faults of the container alone are not those of what is below it', () => {
  const stats = { ...STATS, pageFaults: 40, majorPageFaults: 20 };
  const details = { ...DETAILS, ownPageFaults: 30, ownMajorPageFaults: 10 };
  assert.deepEqual(valuesOf(MEMORY_METRICS, { stats, details }).memory_failures_total, [
    ['pgfault', 'container', 30],
    ['pgfault', 'hierarchy', 40],
    ['pgmajfault', 'container', 10],
    ['pgmajfault', 'hierarchy', 20],
  ]);
  assert.equal(valuesOf(MEMORY_METRICS, { stats }).memory_failures_total, undefined, 'half of it would add up wrongly');
});

test('each figure is its own', () => {
  const values = valuesOf(MEMORY_METRICS, SOURCE);
  const { memory_usage_bytes, memory_working_set_bytes, memory_rss, memory_cache } = values;
  assert.deepEqual([memory_usage_bytes, memory_working_set_bytes, memory_rss, memory_cache], [10, 8, 5, 1]);
  const { memory_total_active_file_bytes, memory_total_inactive_file_bytes, memory_mapped_file } = values;
  assert.deepEqual([memory_total_active_file_bytes, memory_total_inactive_file_bytes, memory_mapped_file], [3, 4, 2]);
  const { memory_kernel_usage, memory_max_usage_bytes, memory_failcnt, oom_events_total, memory_swap } = values;
  assert.deepEqual(
    [memory_kernel_usage, memory_max_usage_bytes, memory_failcnt, oom_events_total, memory_swap],
    [5, 11, 6, 1, 0],
  );
});

test('huge pages are told by size, and the most of them only where the kernel knows it', () => {
  const hugePages = [
    { pageSize: '2MB', usage: 0, maxUsage: undefined },
    { pageSize: '1GB', usage: 1, maxUsage: 3 },
  ];
  const values = valuesOf(MEMORY_METRICS, { details: { ...DETAILS, hugePages } });
  assert.deepEqual(values.hugetlb_usage_bytes, [
    ['2MB', 0],
    ['1GB', 1],
  ]);
  assert.deepEqual(values.hugetlb_max_usage_bytes, [['1GB', 3]]);
});
