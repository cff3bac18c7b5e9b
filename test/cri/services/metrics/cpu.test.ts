import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CPU_METRICS } from '../../../../cri/services/metrics/cpu.js';
import { DETAILS, SOURCE, STATS, valuesOf } from './measured.js';

test('times are whole seconds, rounded down, however many there are', () => {
  const stats = { ...STATS, cpuUsageNs: 18_446_744_073_709_551_615n };
  const details = { ...DETAILS, cpuUserNs: 999_999_999n, cpuSystemNs: 2_999_999_999n };
  const values = valuesOf(CPU_METRICS, { stats, details });
  assert.deepEqual(values.cpu_usage_seconds_total, [['total', 18_446_744_073n]]);
  assert.deepEqual([values.cpu_user_seconds_total, values.cpu_system_seconds_total], [0n, 2n]);
});

test('throttling is told where there is a quota, also when it was never used up', () => {
  const throttling = (change: object) => {
    const values = valuesOf(CPU_METRICS, { details: { ...DETAILS, ...change } });
    return Object.entries(values).filter(([name]) => name.startsWith('cpu_cfs'));
  };
  assert.deepEqual(throttling({ periods: 9, throttledPeriods: 0, throttledNs: 0n }), [
    ['cpu_cfs_periods_total', 9],
    ['cpu_cfs_throttled_periods_total', 0],
    ['cpu_cfs_throttled_seconds_total', 0n],
  ]);
  assert.deepEqual(throttling({ periods: 0 }), []);
});

test('waiting is that of some tasks, stalling that of all', () => {
  const line = (totalNs: bigint) => ({ totalNs, avg10: 0, avg60: 0, avg300: 0 });
  const cpu = { some: line(5_000_000_000n), full: line(1_000_000_000n) };
  const none = { memory: undefined, io: undefined };
  const values = valuesOf(CPU_METRICS, { ...SOURCE, stats: { ...STATS, pressure: { ...none, cpu } } });
  assert.deepEqual([values.pressure_cpu_waiting_seconds_total, values.pressure_cpu_stalled_seconds_total], [5n, 1n]);
});
