import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NETWORK_METRICS } from '../../../../cri/services/metrics/network.js';
import { SOURCE, valuesOf } from './measured.js';

test('received is not sent, an error is not a packet dropped, and each interface has its own', () => {
  const eth0 = {
    rxBytes: 1,
    rxPackets: 2,
    rxErrors: 3,
    rxDropped: 4,
    txBytes: 5,
    txPackets: 6,
    txErrors: 7,
    txDropped: 8,
  };
  const none = {
    rxBytes: 0,
    rxPackets: 0,
    rxErrors: 0,
    rxDropped: 0,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDropped: 0,
  };
  const interfaces = [
    { name: 'eth0', ...eth0 },
    { name: 'net1', ...none },
  ];
  const of = (value: number) => [
    ['eth0', value],
    ['net1', 0],
  ];
  assert.deepEqual(valuesOf(NETWORK_METRICS, { interfaces }), {
    network_receive_bytes_total: of(1),
    network_receive_packets_total: of(2),
    network_receive_packets_dropped_total: of(4),
    network_receive_errors_total: of(3),
    network_transmit_bytes_total: of(5),
    network_transmit_packets_total: of(6),
    network_transmit_packets_dropped_total: of(8),
    network_transmit_errors_total: of(7),
  });
});

test('the network is the pod’s: a container has none of its own', () => {
  assert.deepEqual(valuesOf(NETWORK_METRICS, SOURCE), {});
});
