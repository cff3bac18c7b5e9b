/** Host ports: who has which, and their form as elements of nftables maps. */

import { CribError } from '../../../runtime/errors.js';
import type { PortMapping } from '../../config.js';
import { formatAddress, parseAddress } from '../addresses.js';
import type { NetworkRequest } from '../types.js';
import type { BridgeRecord } from './record.js';

/** The published mappings, their addresses canonical and empty for all. Throws INVALID_ARGUMENT. */
export function publishedPorts(request: NetworkRequest): PortMapping[] {
  const published: PortMapping[] = [];
  for (const mapping of request.portMappings) {
    if (mapping.hostPort === 0) continue;
    if (!isPort(mapping.hostPort) || !isPort(mapping.containerPort)) {
      const ports = `${mapping.hostPort} to ${mapping.containerPort}`;
      throw new CribError('INVALID_ARGUMENT', `port mapping ${ports}: both must be from 1 to 65535`);
    }
    const port = { ...mapping, hostIp: canonical(mapping.hostIp) };
    const twin = published.find((other) => overlap(other, port));
    if (twin?.hostIp === port.hostIp && twin.containerPort === port.containerPort) continue;
    if (twin !== undefined) {
      throw new CribError('INVALID_ARGUMENT', `host port ${describe(port)} is mapped twice in one pod`);
    }
    published.push(port);
  }
  return published;
}

/** Throws ALREADY_EXISTS, naming the pod that has one of `ports`. */
export function refuseConflicts(ports: readonly PortMapping[], records: readonly BridgeRecord[]): void {
  for (const record of records) {
    for (const port of ports) {
      if (!record.ports.some((other) => overlap(other, port))) continue;
      throw new CribError(
        'ALREADY_EXISTS',
        `host port ${describe(port)} belongs to pod ${record.pod} (${record.podId}); use another or remove that pod`,
      );
    }
  }
}

/** Elements by the name of their map: `key : value` in nft's syntax. */
export function elementsOf(record: BridgeRecord): { map: string; element: string }[] {
  return record.ports.flatMap((port) =>
    record.addresses.flatMap((address) => {
      const family = parseAddress(address)?.family ?? 4;
      const host = port.hostIp === '' ? undefined : parseAddress(port.hostIp);
      if (host !== undefined && host.family !== family) return [];
      const key = `${port.protocol} . ${port.hostPort}`;
      const value = `${address} . ${port.containerPort}`;
      // `0.0.0.0` and `::` mean all addresses of their family.
      return host === undefined || host.value === 0n
        ? [{ map: `ports${family}`, element: `${key} : ${value}` }]
        : [{ map: `ports${family}_of`, element: `${port.hostIp} . ${key} : ${value}` }];
    }),
  );
}

function overlap(a: PortMapping, b: PortMapping): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  const [left, right] = [parseAddress(a.hostIp), parseAddress(b.hostIp)];
  if (left === undefined || right === undefined) return true;
  return left.family === right.family && (left.value === 0n || right.value === 0n || left.value === right.value);
}

function describe({ hostIp, hostPort, protocol }: PortMapping): string {
  return `${hostIp === '' ? '' : `${hostIp} `}${hostPort}/${protocol}`;
}

function canonical(hostIp: string): string {
  if (hostIp === '') return '';
  const address = parseAddress(hostIp);
  if (address === undefined) {
    throw new CribError('INVALID_ARGUMENT', `port mapping: host_ip ${JSON.stringify(hostIp)} is no IP address`);
  }
  return formatAddress(address);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
