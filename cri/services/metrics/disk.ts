import type { IoCounters } from '../../../runtime/cgroups/types.js';
import { counter, counterPer, gauge, type MetricDefinition, type MetricSource, seconds } from './definition.js';

const devices = ({ details }: MetricSource): readonly IoCounters[] => details?.io ?? [];

function perDevice(name: string, help: string, value: (io: IoCounters) => number): MetricDefinition {
  return counterPer({ name, help, labelKeys: ['device'], items: devices, value, labels: ({ device }) => [device] });
}

export const DISK_METRICS: readonly MetricDefinition[] = [
  gauge('container_fs_inodes_free', 'Free inodes of the file system', ({ filesystem }) => filesystem?.inodesFree),
  gauge('container_fs_inodes_total', 'Inodes of the file system', ({ filesystem }) => filesystem?.inodesTotal),
  gauge('container_fs_limit_bytes', 'Bytes of the file system', ({ filesystem }) => filesystem?.totalBytes),
  gauge('container_fs_usage_bytes', 'Bytes that it has written', ({ writableLayer }) => writableLayer?.usedBytes),
  perDevice('container_fs_reads_bytes_total', 'Bytes read', ({ readBytes }) => readBytes),
  perDevice('container_fs_reads_total', 'Reads completed', ({ reads }) => reads),
  perDevice('container_fs_writes_bytes_total', 'Bytes written', ({ writeBytes }) => writeBytes),
  perDevice('container_fs_writes_total', 'Writes completed', ({ writes }) => writes),
  counterPer({
    name: 'container_blkio_device_usage_total',
    help: 'Bytes moved, by device and direction',
    labelKeys: ['device', 'major', 'minor', 'operation'],
    items: (source) =>
      devices(source).flatMap(({ device, readBytes, writeBytes }) => [
        { device, operation: 'read', bytes: readBytes },
        { device, operation: 'write', bytes: writeBytes },
      ]),
    value: ({ bytes }) => bytes,
    labels: ({ device, operation }) => {
      const [major = '', minor = ''] = device.split(':');
      return [device, major, minor, operation];
    },
  }),
  counter(
    'container_pressure_io_waiting_seconds_total',
    'Time in which some task waited for a disk, in seconds',
    ({ stats }) => seconds(stats?.pressure.io?.some.totalNs),
  ),
  counter(
    'container_pressure_io_stalled_seconds_total',
    'Time in which all tasks waited for a disk, in seconds',
    ({ stats }) => seconds(stats?.pressure.io?.full.totalNs),
  ),
];
