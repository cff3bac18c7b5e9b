import { counter, counterPer, type MetricDefinition, type MetricSource, seconds } from './definition.js';

/** Without a quota there are no periods to count. */
const throttling = ({ details }: MetricSource) => (details !== undefined && details.periods > 0 ? details : undefined);

export const CPU_METRICS: readonly MetricDefinition[] = [
  counter('container_cpu_user_seconds_total', 'CPU time used in user mode, in seconds', ({ details }) =>
    seconds(details?.cpuUserNs),
  ),
  counter('container_cpu_system_seconds_total', 'CPU time used in the kernel, in seconds', ({ details }) =>
    seconds(details?.cpuSystemNs),
  ),
  counterPer({
    name: 'container_cpu_usage_seconds_total',
    help: 'CPU time used, in seconds',
    labelKeys: ['cpu'],
    items: ({ stats }) => (stats === undefined ? [] : [stats]),
    value: ({ cpuUsageNs }) => seconds(cpuUsageNs) ?? 0,
    labels: () => ['total'],
  }),
  counter(
    'container_cpu_cfs_periods_total',
    'Enforcement periods of the CPU quota that have passed',
    (source) => throttling(source)?.periods,
  ),
  counter(
    'container_cpu_cfs_throttled_periods_total',
    'Enforcement periods in which the CPU quota was used up',
    (source) => throttling(source)?.throttledPeriods,
  ),
  counter('container_cpu_cfs_throttled_seconds_total', 'Time spent throttled, in seconds', (source) =>
    seconds(throttling(source)?.throttledNs),
  ),
  counter(
    'container_pressure_cpu_waiting_seconds_total',
    'Time in which some task waited for a CPU, in seconds',
    ({ stats }) => seconds(stats?.pressure.cpu?.some.totalNs),
  ),
  counter(
    'container_pressure_cpu_stalled_seconds_total',
    'Time in which all tasks waited for a CPU, in seconds',
    ({ stats }) => seconds(stats?.pressure.cpu?.full.totalNs),
  ),
];
