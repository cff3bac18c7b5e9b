import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counter, counterPer, gauge, type MetricSource, seconds } from '../../../../cri/services/metrics/definition.js';

test('zero is a value, only what is not known has none', () => {
  const metric = gauge('x', 'help', ({ filesystem }) => filesystem?.inodesFree);
  const filesystem = { totalBytes: 0, inodesTotal: 0, inodesFree: 0 };
  assert.deepEqual(metric.values({ filesystem }), [{ value: 0, labels: [] }]);
  assert.deepEqual(metric.values({}), []);
  assert.deepEqual([metric.type, counter('y', 'help', () => 1).type], ['gauge', 'counter']);
});

test('each item has its value beside its own labels, and a type of its own only where it says so', () => {
  const definition = {
    ...{ name: 'x', help: 'help', labelKeys: ['interface'] },
    items: ({ interfaces }: MetricSource) => interfaces ?? [],
    value: ({ rxBytes }: { rxBytes: number }) => rxBytes,
    labels: ({ name }: { name: string }) => [name],
  };
  const counters = { rxPackets: 0, rxErrors: 0, rxDropped: 0, txBytes: 0, txPackets: 0, txErrors: 0, txDropped: 0 };
  const interfaces = [
    { ...counters, name: 'eth0', rxBytes: 5 },
    { ...counters, name: 'lo', rxBytes: 0 },
  ];
  const metric = counterPer(definition);
  assert.deepEqual(metric.values({ interfaces }), [
    { value: 5, labels: ['eth0'] },
    { value: 0, labels: ['lo'] },
  ]);
  assert.deepEqual(metric.values({}), []);
  assert.deepEqual([metric.type, counterPer({ ...definition, type: 'gauge' }).type], ['counter', 'gauge']);
});

test('nanoseconds beyond 2^53 lose no second', () => {
  assert.equal(seconds(9_007_199_254_999_999_999n), 9_007_199_254n);
  assert.deepEqual([seconds(0n), seconds(undefined)], [0n, undefined]);
});
