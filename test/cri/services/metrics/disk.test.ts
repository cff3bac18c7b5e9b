import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DISK_METRICS } from '../../../../cri/services/metrics/disk.js';
import { DETAILS, valuesOf } from './measured.js';

test('reads are not writes, operations are not bytes, and each device has its own', () => {
  const io = [
    { device: '8:16', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 },
    { device: '253:0', readBytes: 0, writeBytes: 5, reads: 0, writes: 6 },
  ];
  const values = valuesOf(DISK_METRICS, { details: { ...DETAILS, io } });
  const of = (first: number, second: number) => [
    ['8:16', first],
    ['253:0', second],
  ];
  assert.deepEqual(values.fs_reads_bytes_total, of(1, 0));
  assert.deepEqual(values.fs_writes_bytes_total, of(2, 5));
  assert.deepEqual(values.fs_reads_total, of(3, 0));
  assert.deepEqual(values.fs_writes_total, of(4, 6));
  assert.deepEqual(values.blkio_device_usage_total, [
    ['8:16', '8', '16', 'read', 1],
    ['8:16', '8', '16', 'write', 2],
    ['253:0', '253', '0', 'read', 0],
    ['253:0', '253', '0', 'write', 5],
  ]);
});

test('what a container has written is its own layer; size and inodes are the file system’s', () => {
  const writableLayer = { timestamp: 1n, mountpoint: '/x', usedBytes: 12, inodesUsed: 1 };
  const filesystem = { totalBytes: 1000, inodesTotal: 20, inodesFree: 0 };
  assert.deepEqual(valuesOf(DISK_METRICS, { writableLayer, filesystem }), {
    fs_inodes_free: 0,
    fs_inodes_total: 20,
    fs_limit_bytes: 1000,
    fs_usage_bytes: 12,
  });
  assert.deepEqual(valuesOf(DISK_METRICS, {}), {}, 'a disk that does not answer has no zeros');
});
