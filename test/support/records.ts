/** Records of pods and containers for tests that need no kernel. */

import type { ContainerRecord } from '../../sandbox/container-record.js';
import type { PodRecord } from '../../sandbox/pod-record.js';
import { containerConfig, NO_RESOURCES, podConfig } from './configs.js';

export function podRecord(id: string): PodRecord {
  return {
    version: 1,
    id,
    config: podConfig(id),
    handler: 'host',
    state: 'ready',
    createdAt: '1',
    ips: [],
    cgroup: `/crib/${id}`,
    ownsCgroup: true,
    namespaces: { network: 'host', uts: 'host', ipc: 'host', pid: 'new' },
    bootId: 'boot',
  };
}

export function containerRecord(id: string, podId: string, change: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    version: 1,
    id,
    podId,
    config: containerConfig(id),
    imageId: 'sha256:0',
    imageRef: 'sha256:0',
    chain: [],
    state: 'running',
    createdAt: '1',
    startedAt: '2',
    finishedAt: '0',
    exitCode: 0,
    reason: '',
    message: '',
    logPath: '',
    user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
    resources: NO_RESOURCES,
    stopSignal: 'SIGTERM',
    cgroup: `/crib/${podId}/${id}`,
    runtime: 'host',
    pid: 2,
    startTime: '1',
    volumes: [],
    hasHooks: false,
    ...change,
  };
}
