import { counterPer, gauge, type MetricDefinition, type MetricSource, seconds } from './definition.js';

const limits = ({ container }: MetricSource) => container?.resources;
/** A limit that is not set, or set to "none", is 0, as in cAdvisor's metrics. */
const limit = (value: number | undefined) => (value === undefined ? undefined : Math.max(0, value));

export const PROCESS_METRICS: readonly MetricDefinition[] = [
  gauge('container_processes', 'Processes', ({ details }) => details?.processes.length),
  gauge('container_threads', 'Threads', ({ stats }) => stats?.pids),
  gauge('container_threads_max', 'Threads that may be; 0: no limit', ({ details }) => details?.threadsMax),
  gauge('container_file_descriptors', 'Open file descriptors', ({ processes }) => processes?.openFiles),
  gauge('container_sockets', 'Open sockets', ({ processes }) => processes?.sockets),
  counterPer({
    name: 'container_ulimits_soft',
    help: 'Soft limits of its first process',
    type: 'gauge',
    labelKeys: ['ulimit'],
    items: ({ processes }) => (processes?.maxOpenFiles === undefined ? [] : [processes.maxOpenFiles]),
    value: (files) => files,
    labels: () => ['max_open_files'],
  }),
  gauge('container_last_seen', 'When it was measured, in seconds since 1970', ({ stats }) => seconds(stats?.timestamp)),
  gauge('container_start_time_seconds', 'When it was started, in seconds since 1970', ({ container }) =>
    seconds(container?.startedAt),
  ),
  gauge('container_spec_cpu_period', 'Period of its CPU quota, in microseconds', (source) => limits(source)?.cpuPeriod),
  gauge('container_spec_cpu_quota', 'Its CPU quota in a period, in microseconds; 0: none', (source) =>
    limit(limits(source)?.cpuQuota),
  ),
  gauge('container_spec_cpu_shares', 'Its share of the CPU', (source) => limits(source)?.cpuShares),
  gauge('container_spec_memory_limit_bytes', 'Its memory limit; 0: none', (source) =>
    limit(limits(source)?.memoryLimit),
  ),
  gauge('container_spec_memory_swap_limit_bytes', 'Its limit of memory and swap; 0: none', (source) =>
    limit(limits(source)?.memorySwapLimit),
  ),
  gauge('container_spec_memory_reservation_limit_bytes', 'The memory that is kept for it', (source) => {
    const unified = limits(source)?.unified;
    return unified === undefined ? undefined : limit(Number(unified['memory.min'] ?? 0) || 0);
  }),
];
