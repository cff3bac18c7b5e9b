/** What a pod has of crib's own network. The record is the reservation of its addresses and host ports. */

import type { PortMapping } from '../../config.js';
import { isObject, isString } from '../json.js';

export interface BridgeRecord {
  readonly version: 1;
  readonly kind: 'bridge';
  readonly podId: string;
  /** `namespace/name`, for messages. */
  readonly pod: string;
  /** Name of the bridge; its table is `crib_<bridge>`. */
  readonly bridge: string;
  /** The host's end of the pair. */
  readonly link: string;
  /** Without prefix; at most one of a family, IPv4 first. */
  readonly addresses: readonly string[];
  /** Those that are published. */
  readonly ports: readonly PortMapping[];
}

export function isBridgeRecord(value: unknown): value is BridgeRecord {
  if (!isObject(value) || value.version !== 1 || value.kind !== 'bridge') return false;
  return (
    [value.podId, value.pod, value.bridge, value.link].every(isString) &&
    Array.isArray(value.addresses) &&
    value.addresses.every(isString) &&
    Array.isArray(value.ports) &&
    value.ports.every(isPort)
  );
}

function isPort(value: unknown): value is PortMapping {
  if (!isObject(value) || !isString(value.hostIp)) return false;
  if (typeof value.hostPort !== 'number' || typeof value.containerPort !== 'number') return false;
  return value.protocol === 'tcp' || value.protocol === 'udp' || value.protocol === 'sctp';
}
