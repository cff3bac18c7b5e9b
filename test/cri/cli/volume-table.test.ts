import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerVolumeTable, podVolumeTable } from '../../../cri/cli/volume-table.js';
import type { VolumeView } from '../../../sandbox/volume-views.js';

const cells = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/));
const view: VolumeView = {
  name: 'cache',
  kind: 'emptydir',
  route: 'guest-local',
  reason: 'a reason',
  driver: 'overlay',
  hostPath: '/v',
  sizeLimitBytes: 1_500_000,
  usedBytes: 20_000,
  usedIsPartial: true,
  mounts: [
    { container: 'web', containerId: '1', containerPath: '/cache', readonly: false, subPath: '' },
    { container: 'side', containerId: '2', containerPath: '/part', readonly: true, subPath: 'a/b' },
  ],
  otherPods: ['shop/other'],
};

test('a pod with its volumes, each once', () => {
  const [headings, row] = cells(podVolumeTable([{ volume: view }]));
  assert.deepEqual(headings, ['VOLUME', 'KIND', 'ROUTE', 'DRIVER', 'SIZE', 'USED', 'MOUNTED BY', 'REASON']);
  const mounted = 'web:/cache, side:/part:ro (a/b), pod shop/other';
  assert.deepEqual(row, ['cache', 'emptydir', 'guest-local', 'overlay', '1.50MB', '>20.0kB', mounted, 'a reason']);
});

test('of several pods each line names its own, and what is not known is a dash', () => {
  const { sizeLimitBytes: _size, usedBytes: _used, usedIsPartial: _partial, driver: _driver, ...unknown } = view;
  const [headings, row] = cells(podVolumeTable([{ pod: 'shop/web', volume: unknown }]));
  assert.equal(headings?.[0], 'POD');
  assert.deepEqual(row?.slice(0, 7), ['shop/web', 'cache', 'emptydir', 'guest-local', '-', '-', '-']);
});

test('a container with its volumes by path', () => {
  const { kind, route, reason } = view;
  const volume = { kind, route, reason, containerPath: '/cache', hostPath: '', readonly: true };
  const [, row] = cells(containerVolumeTable([{ ...volume, usedBytes: 0, sharedWith: ['side:/part', 'pod a/b'] }]));
  assert.deepEqual(row?.slice(0, 8), [
    '/cache (ro)',
    'emptydir',
    'guest-local',
    '-',
    '-',
    '0B',
    'side:/part, pod a/b',
    '-',
  ]);
});
