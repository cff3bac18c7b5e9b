/** PodSandboxConfig. */

import type { DnsConfig, PodConfig, PortMapping } from '../../../sandbox/config.js';
import type * as api from '../../api/generated/index.js';
import { addressOf, enumOf, integer, labels, nameOf, noNul, plainPath, refuse, required, shown } from '../validate.js';
import { resourcesOf } from './resources.js';
import { podSecurity } from './security.js';

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
/** What sethostname(2) takes. */
const MAX_HOSTNAME_BYTES = 64;

/** Throws INVALID_ARGUMENT naming the field below `field`. */
export function podConfigOf(message: api.PodSandboxConfig | undefined, field: string): PodConfig {
  const config = required(message, field);
  const metadata = required(config.metadata, `${field}.metadata`);
  if (config.windows !== undefined) refuse(`${field}.windows`, 'is set, but this is a Linux node');
  const linux = config.linux;
  const optionalResources = (value: api.LinuxContainerResources | undefined, name: string) =>
    value === undefined ? undefined : resourcesOf(value, `${field}.linux.${name}`);
  return {
    metadata: {
      name: nameOf(metadata.name, `${field}.metadata.name`),
      uid: nameOf(metadata.uid, `${field}.metadata.uid`),
      namespace: nameOf(metadata.namespace, `${field}.metadata.namespace`),
      attempt: metadata.attempt,
    },
    hostname: hostname(config.hostname, `${field}.hostname`),
    logDirectory: config.logDirectory === '' ? '' : plainPath(config.logDirectory, `${field}.log_directory`),
    dns: config.dnsConfig === undefined ? undefined : dns(config.dnsConfig, `${field}.dns_config`),
    portMappings: ports(config.portMappings, `${field}.port_mappings`),
    labels: labels(config.labels, `${field}.labels`),
    annotations: labels(config.annotations, `${field}.annotations`),
    cgroupParent: cgroupParent(linux?.cgroupParent ?? '', `${field}.linux.cgroup_parent`),
    sysctls: sysctls(linux?.sysctls ?? {}, `${field}.linux.sysctls`),
    overhead: optionalResources(linux?.overhead, 'overhead'),
    resources: optionalResources(linux?.resources, 'resources'),
    security: podSecurity(linux?.securityContext, `${field}.linux.security_context`),
  };
}

function hostname(value: string, field: string): string {
  if (Buffer.byteLength(value) > MAX_HOSTNAME_BYTES) refuse(field, `is longer than ${MAX_HOSTNAME_BYTES} bytes`);
  if (/[\s/]/.test(value)) refuse(field, 'must not contain white space or a slash');
  return noNul(value, field);
}

/** Which of them a pod may set is the sandbox's affair; a name or value is what write(2) and open(2) take. */
function sysctls(values: Readonly<Record<string, string>>, field: string): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(labels(values, field))) noNul(name + value, `${field}[${shown(name)}]`);
  return values;
}

/** Lines of resolv.conf: a value with white space in it would become another directive. */
function dns(message: api.DNSConfig, field: string): DnsConfig {
  const check = (values: readonly string[], name: string) => {
    for (const [index, value] of values.entries()) {
      if (/[\s\0]/.test(value) || value === '') refuse(`${field}.${name}[${index}]`, 'must be one word');
    }
    return values;
  };
  return {
    servers: check(message.servers, 'servers'),
    searches: check(message.searches, 'searches'),
    options: check(message.options, 'options'),
  };
}

function ports(messages: readonly api.PortMapping[], field: string): PortMapping[] {
  const mappings = messages.map((message, index) => port(message, `${field}[${index}]`));
  for (const [index, mapping] of mappings.entries()) {
    const twin = mappings.slice(0, index).findIndex((other) => collide(other, mapping));
    if (twin >= 0) refuse(`${field}[${index}].host_port`, `is ${mapping.hostPort}, as in ${field}[${twin}]`);
  }
  return mappings;
}

/** One host port cannot lead to two places; said twice it is the same place. An address overlaps with itself and "all". */
function collide(a: PortMapping, b: PortMapping): boolean {
  if (a.hostPort === 0 || a.hostPort !== b.hostPort || a.protocol !== b.protocol) return false;
  if (a.hostIp === b.hostIp) return a.containerPort !== b.containerPort;
  return [a, b].some(({ hostIp }) => hostIp === '');
}

function port(message: api.PortMapping, field: string): PortMapping {
  return {
    protocol: enumOf(message.protocol, PROTOCOLS, `${field}.protocol`),
    containerPort: integer(message.containerPort, `${field}.container_port`, 1, 65_535),
    hostPort: integer(message.hostPort, `${field}.host_port`, 0, 65_535),
    hostIp: addressOf(message.hostIp, `${field}.host_ip`),
  };
}

/** A path from the root of the hierarchy, or the name of a systemd slice; the node's cgroup driver takes one of them. */
function cgroupParent(value: string, field: string): string {
  if (value === '') return '';
  const parts = value.split('/').filter((part) => part !== '');
  if (parts.length === 0 || parts.some((part) => part === '.' || part === '..')) {
    refuse(field, 'must be a path below the cgroup root, without "." and ".."');
  }
  if (parts.length === 1 && value.endsWith('.slice') && !value.startsWith('/')) return noNul(value, field);
  return noNul(`/${parts.join('/')}`, field);
}
