/** The configuration of the kubelet under test. */

import { join } from 'node:path';
import type { CgroupDriver, Pleg } from './options.js';

/** What may differ from one start of a kubelet to the next. */
export interface KubeletSettings {
  readonly pleg: Pleg;
  readonly cgroupDriver: CgroupDriver;
  /** Statistics of pods and containers from the runtime, not from cAdvisor. */
  readonly criStats: boolean;
  /** Take the disk for full: everything that nobody uses is removed. */
  readonly diskIsFull: boolean;
  /** Credentials for an API server; absent: static pods only. */
  readonly kubeconfig?: string;
}

export const KUBELET_ADDRESS = '127.0.0.1:10250';
/** Values that checks look for again. */
export const LOG_MAX_SIZE = 16 * 1024;
export const LOG_MAX_FILES = 3;
export const LOG_INTERVAL_MS = 3_000;
export const POD_PIDS_LIMIT = 777;
export const NODE_NAME = 'node';
export const NODE_ADDRESS = '192.0.2.10';

/** `dir` holds the kubelet's manifests and resolv.conf; `socket` is the runtime's. JSON is YAML. */
export function kubeletConfig(dir: string, socket: string, settings: KubeletSettings): string {
  const { pleg, cgroupDriver, criStats, diskIsFull, kubeconfig } = settings;
  const free = diskIsFull ? '99%' : '0%';
  return JSON.stringify({
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    containerRuntimeEndpoint: `unix://${socket}`,
    staticPodPath: join(dir, 'manifests'),
    fileCheckFrequency: '1s',
    // How soon a configMap that has changed is in its pods.
    ...(kubeconfig === undefined ? {} : { syncFrequency: '5s', nodeStatusUpdateFrequency: '3s' }),
    address: '0.0.0.0',
    port: 10250,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    resolvConf: join(dir, 'resolv.conf'),
    volumePluginDir: join(dir, 'plugins'),
    cgroupDriver,
    failCgroupV1: false,
    failSwapOn: false,
    podPidsLimit: POD_PIDS_LIMIT,
    makeIPTablesUtilChains: false,
    // The machine's disk and memory are not the test's.
    evictionHard: { 'memory.available': '1Mi', 'nodefs.available': free, 'imagefs.available': free },
    containerLogMaxSize: String(LOG_MAX_SIZE),
    containerLogMaxFiles: LOG_MAX_FILES,
    containerLogMonitorInterval: `${LOG_INTERVAL_MS / 1000}s`,
    crashLoopBackOff: { maxContainerRestartPeriod: '4s' },
    imageMinimumGCAge: '1ms',
    imageGCHighThresholdPercent: 100,
    volumeStatsAggPeriod: '5s',
    serializeImagePulls: false,
    allowedUnsafeSysctls: ['kernel.shm*', 'net.core.somaxconn'],
    featureGates: {
      ...(pleg === 'evented' ? { EventedPLEG: true } : {}),
      ...(criStats ? { PodAndContainerStatsFromCRI: true } : {}),
    },
  });
}
