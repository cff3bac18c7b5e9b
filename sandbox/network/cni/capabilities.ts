/** CNI_ARGS and the capability arguments (CNI conventions, runtimeConfig), as containerd hands them to plugins. */

import { CribError } from '../../../runtime/errors.js';
import type { JsonObject } from '../json.js';
import type { NetworkRequest } from '../types.js';
import type { PluginConfig } from './config.js';

const INGRESS = 'kubernetes.io/ingress-bandwidth';
const EGRESS = 'kubernetes.io/egress-bandwidth';
/** The kubelet's limits (pkg/util/bandwidth): 1k to 1P bits per second. */
const MIN_RATE = 1_000;
const MAX_RATE = 1e15;
/** Bits; containerd's choice: the rate alone limits. */
const BURST = 0xffffffff;

/** CNI_ARGS. Throws INVALID_ARGUMENT for a value that would read as further arguments. */
export function cniArgs(request: NetworkRequest): string {
  const { metadata, podId } = request;
  const pairs = {
    IgnoreUnknown: '1',
    K8S_POD_NAMESPACE: metadata.namespace,
    K8S_POD_NAME: metadata.name,
    K8S_POD_INFRA_CONTAINER_ID: podId,
    K8S_POD_UID: metadata.uid,
  };
  for (const [key, value] of Object.entries(pairs)) {
    if (!/[;=\0]/.test(value)) continue;
    throw new CribError('INVALID_ARGUMENT', `${key} for CNI plugins: ${JSON.stringify(value)} must not have ; or =`);
  }
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(';');
}

/** By capability name; a plugin is given those that it declares. */
export function capabilityArgs(request: NetworkRequest): JsonObject {
  const { dns, annotations, portMappings, cgroupParent } = request;
  const published = portMappings.filter((mapping) => mapping.hostPort > 0);
  const ingress = bandwidth(annotations, INGRESS);
  const egress = bandwidth(annotations, EGRESS);
  return {
    ...(published.length > 0 && { portMappings: published.map(toCniPort) }),
    ...(dns !== undefined && { dns: { servers: dns.servers, searches: dns.searches, options: dns.options } }),
    ...(cgroupParent !== '' && { cgroupPath: cgroupParent }),
    ...((ingress ?? egress) !== undefined && {
      bandwidth: {
        ...(ingress !== undefined && { ingressRate: ingress, ingressBurst: BURST }),
        ...(egress !== undefined && { egressRate: egress, egressBurst: BURST }),
      },
    }),
    'io.kubernetes.cri.pod-annotations': annotations,
  };
}

/** undefined when the plugin declares none of what there is. */
export function runtimeConfigOf(plugin: PluginConfig, args: JsonObject): JsonObject | undefined {
  const { capabilities } = plugin;
  if (typeof capabilities !== 'object' || capabilities === null) return undefined;
  const declared = new Set(Object.entries(capabilities).flatMap(([name, on]) => (on === true ? [name] : [])));
  const given = Object.entries(args).filter(([name]) => declared.has(name));
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function toCniPort(mapping: NetworkRequest['portMappings'][number]): JsonObject {
  const { hostPort, containerPort, protocol, hostIp } = mapping;
  return { hostPort, containerPort, protocol, hostIP: hostIp };
}

const UNITS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Bits per second from a Kubernetes quantity (`10M`, `1Gi`, `1e6`). */
function bandwidth(annotations: Readonly<Record<string, string>>, key: string): number | undefined {
  const text = annotations[key];
  if (text === undefined) return undefined;
  const match = /^(\d{1,18}(?:\.\d{0,9})?)(?:[eE](\d{1,2})|([mkMGTP]|[KMGTP]i)?)$/.exec(text);
  const rate = Math.ceil(Number(match?.[1]) * 10 ** Number(match?.[2] ?? 0) * (UNITS[match?.[3] ?? ''] ?? Number.NaN));
  if (rate >= MIN_RATE && rate <= MAX_RATE) return rate;
  throw new CribError('INVALID_ARGUMENT', `annotation ${key}: ${JSON.stringify(text)} is no quantity from 1k to 1P`);
}
