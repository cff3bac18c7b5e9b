/** PodSandboxConfig. */

import type { DnsConfig, PodConfig, PortMapping } from '../../../sandbox/config.js';
import type * as api from '../../api/generated/index.js';
import { absolutePath, addressOf, enumOf, integer, labels, nameOf, noNul, refuse, required } from '../validate.js';
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
    logDirectory: config.logDirectory === '' ? '' : absolutePath(config.logDirectory, `${field}.log_directory`),
    dns: config.dnsConfig === undefined ? undefined : dns(config.dnsConfig, `${field}.dns_config`),
    portMappings: config.portMappings.map((mapping, index) => port(mapping, `${field}.port_mappings[${index}]`)),
    labels: labels(config.labels, `${field}.labels`),
    annotations: labels(config.annotations, `${field}.annotations`),
    cgroupParent: cgroupParent(linux?.cgroupParent ?? '', `${field}.linux.cgroup_parent`),
    sysctls: labels(linux?.sysctls ?? {}, `${field}.linux.sysctls`),
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

/** Lines of resolv.conf: a value with white space in it would become another directive. */
function dns(message: api.DNSConfig, field: string): DnsConfig {
  const check = (values: readonly string[], name: string) => {
    for (const [index, value] of values.entries()) {
      if (/\s/.test(value) || value === '') refuse(`${field}.${name}[${index}]`, 'must be one word');
    }
    return values;
  };
  return {
    servers: check(message.servers, 'servers'),
    searches: check(message.searches, 'searches'),
    options: check(message.options, 'options'),
  };
}

function port(message: api.PortMapping, field: string): PortMapping {
  return {
    protocol: enumOf(message.protocol, PROTOCOLS, `${field}.protocol`),
    containerPort: integer(message.containerPort, `${field}.container_port`, 1, 65_535),
    hostPort: integer(message.hostPort, `${field}.host_port`, 0, 65_535),
    hostIp: addressOf(message.hostIp, `${field}.host_ip`),
  };
}

/** cgroupfs driver: a path from the root of the hierarchy. */
function cgroupParent(value: string, field: string): string {
  if (value === '') return '';
  const parts = value.split('/').filter((part) => part !== '');
  if (parts.length === 0 || parts.some((part) => part === '.' || part === '..')) {
    refuse(field, 'must be a path below the cgroup root, without "." and ".."');
  }
  if (value.endsWith('.slice') && !value.startsWith('/')) {
    refuse(field, 'names a systemd slice, but the cgroup driver is cgroupfs');
  }
  return noNul(`/${parts.join('/')}`, field);
}
