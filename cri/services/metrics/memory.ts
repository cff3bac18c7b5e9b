import { counter, counterPer, gauge, type MetricDefinition, type MetricSource, seconds } from './definition.js';

function failures({ stats, details }: MetricSource) {
  if (stats === undefined || details === undefined) return [];
  return [
    { labels: ['pgfault', 'container'], value: details.ownPageFaults },
    { labels: ['pgfault', 'hierarchy'], value: stats.pageFaults },
    { labels: ['pgmajfault', 'container'], value: details.ownMajorPageFaults },
    { labels: ['pgmajfault', 'hierarchy'], value: stats.majorPageFaults },
  ];
}

export const MEMORY_METRICS: readonly MetricDefinition[] = [
  gauge('container_memory_cache', 'Bytes of page cache', ({ details }) => details?.memoryCache),
  gauge('container_memory_rss', 'Bytes of anonymous memory', ({ stats }) => stats?.memoryRss),
  gauge(
    'container_memory_kernel_usage',
    'Bytes that the kernel uses on its behalf',
    ({ details }) => details?.memoryKernel,
  ),
  gauge('container_memory_mapped_file', 'Bytes of mapped files', ({ details }) => details?.memoryMappedFile),
  gauge('container_memory_swap', 'Bytes in swap', ({ stats }) => stats?.swapUsage),
  counter('container_memory_failcnt', 'How often the memory limit was hit', ({ details }) => details?.memoryFailures),
  gauge('container_memory_usage_bytes', 'Bytes in use, page cache included', ({ stats }) => stats?.memoryUsage),
  gauge(
    'container_memory_max_usage_bytes',
    'The most bytes that were in use',
    ({ details }) => details?.memoryMaxUsage,
  ),
  gauge(
    'container_memory_working_set_bytes',
    'Bytes in use less page cache that is not active',
    ({ stats }) => stats?.memoryWorkingSet,
  ),
  gauge(
    'container_memory_total_active_file_bytes',
    'Bytes of active page cache',
    ({ details }) => details?.memoryActiveFile,
  ),
  gauge(
    'container_memory_total_inactive_file_bytes',
    'Bytes of inactive page cache',
    ({ details }) => details?.memoryInactiveFile,
  ),
  counterPer({
    name: 'container_memory_failures_total',
    help: 'Page faults, of the container alone and with what is below it',
    labelKeys: ['failure_type', 'scope'],
    items: failures,
    value: ({ value }) => value,
    labels: ({ labels }) => labels,
  }),
  counter('container_oom_events_total', 'Processes killed because memory ran out', ({ details }) => details?.oomKills),
  counter(
    'container_pressure_memory_waiting_seconds_total',
    'Time in which some task waited for memory, in seconds',
    ({ stats }) => seconds(stats?.pressure.memory?.some.totalNs),
  ),
  counter(
    'container_pressure_memory_stalled_seconds_total',
    'Time in which all tasks waited for memory, in seconds',
    ({ stats }) => seconds(stats?.pressure.memory?.full.totalNs),
  ),
  counterPer({
    name: 'container_hugetlb_usage_bytes',
    help: 'Bytes of huge pages in use',
    type: 'gauge',
    labelKeys: ['pagesize'],
    items: ({ details }) => details?.hugePages ?? [],
    value: ({ usage }) => usage,
    labels: ({ pageSize }) => [pageSize],
  }),
  counterPer({
    name: 'container_hugetlb_max_usage_bytes',
    help: 'The most bytes of huge pages that were in use',
    type: 'gauge',
    labelKeys: ['pagesize'],
    items: ({ details }) =>
      (details?.hugePages ?? []).flatMap(({ pageSize, maxUsage }) =>
        maxUsage === undefined ? [] : [{ pageSize, maxUsage }],
      ),
    value: ({ maxUsage }) => maxUsage,
    labels: ({ pageSize }) => [pageSize],
  }),
];
