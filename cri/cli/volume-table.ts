/** Volumes for people: what they are, where they went and why, how full they are, and who shares them. */

import type { ContainerVolumeView, VolumeView } from '../../sandbox/volume-views.js';
import { humanSize, table } from './output.js';

const COLUMNS = ['KIND', 'ROUTE', 'DRIVER', 'SIZE', 'USED'] as const;

/** Of one container, by the path at which each is mounted. */
export function containerVolumeTable(volumes: readonly ContainerVolumeView[]): string {
  const rows = volumes.map((volume) => [
    volume.containerPath + (volume.readonly ? ' (ro)' : ''),
    ...columns(volume),
    volume.sharedWith.join(', ') || '-',
    volume.hostPath || '-',
    volume.reason,
  ]);
  return table(['VOLUME', ...COLUMNS, 'SHARED WITH', 'HOST', 'REASON'], rows);
}

/** Of pods, each volume once; with `pod` in front where there are several. */
export function podVolumeTable(volumes: readonly { readonly pod?: string; readonly volume: VolumeView }[]): string {
  const withPods = volumes.some(({ pod }) => pod !== undefined);
  const rows = volumes.map(({ pod, volume }) => [
    ...(withPods ? [pod ?? ''] : []),
    volume.name,
    ...columns(volume),
    mountedBy(volume),
    volume.reason,
  ]);
  return table([...(withPods ? ['POD'] : []), 'VOLUME', ...COLUMNS, 'MOUNTED BY', 'REASON'], rows);
}

type Measured = Pick<VolumeView, 'kind' | 'route' | 'driver' | 'sizeLimitBytes' | 'usedBytes' | 'usedIsPartial'>;

function columns({ kind, route, driver, sizeLimitBytes, usedBytes, usedIsPartial }: Measured): string[] {
  const size = sizeLimitBytes === undefined ? '-' : humanSize(sizeLimitBytes);
  const used = usedBytes === undefined ? '-' : `${usedIsPartial === true ? '>' : ''}${humanSize(usedBytes)}`;
  return [kind, route, driver ?? '-', size, used];
}

function mountedBy({ mounts, otherPods }: VolumeView): string {
  const own = mounts.map(({ container, containerPath, readonly, subPath }) => {
    const part = subPath === '' ? '' : ` (${subPath})`;
    return `${container}:${containerPath}${readonly ? ':ro' : ''}${part}`;
  });
  return [...own, ...otherPods.map((name) => `pod ${name}`)].join(', ');
}
