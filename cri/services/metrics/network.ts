import type { InterfaceStats } from '../../../sandbox/types.js';
import { counterPer, type MetricDefinition } from './definition.js';

function perInterface(name: string, help: string, value: (counters: InterfaceStats) => number): MetricDefinition {
  return counterPer({
    name: `container_network_${name}_total`,
    help,
    labelKeys: ['interface'],
    items: ({ interfaces }) => interfaces ?? [],
    value,
    labels: (counters) => [counters.name],
  });
}

export const NETWORK_METRICS: readonly MetricDefinition[] = [
  perInterface('receive_bytes', 'Bytes received', ({ rxBytes }) => rxBytes),
  perInterface('receive_packets', 'Packets received', ({ rxPackets }) => rxPackets),
  perInterface('receive_packets_dropped', 'Packets dropped on receiving', ({ rxDropped }) => rxDropped),
  perInterface('receive_errors', 'Errors on receiving', ({ rxErrors }) => rxErrors),
  perInterface('transmit_bytes', 'Bytes sent', ({ txBytes }) => txBytes),
  perInterface('transmit_packets', 'Packets sent', ({ txPackets }) => txPackets),
  perInterface('transmit_packets_dropped', 'Packets dropped on sending', ({ txDropped }) => txDropped),
  perInterface('transmit_errors', 'Errors on sending', ({ txErrors }) => txErrors),
];
