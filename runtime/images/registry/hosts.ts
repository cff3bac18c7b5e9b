/**
 * The endpoints of a registry, by containerd's certs.d layout: `<certs-dir>/<host[:port]>/hosts.toml`, or certificates
 * as Docker names them in the same directory, or the registry's usual address.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError, messageOf } from '../../errors.js';
import { isAbsent, readConfigFile } from './bounded-file.js';
import { type Capability, DOCKER_HUB_HOST, type Endpoint, hostnameOf, isLoopback, type Trust } from './endpoint.js';
import { type HostEntry, parseHostsFile } from './hosts-file.js';

const ALL: ReadonlySet<Capability> = new Set(['pull', 'resolve', 'push']);
const NO_TRUST: Trust = { authorities: [], identities: [], skipVerify: false, connectMs: undefined };

/**
 * Mirrors first, the registry itself last. Read anew each time, so a change needs no restart. Throws
 * FAILED_PRECONDITION that names the file and the key.
 */
export async function loadEndpoints(certsDir: string, domain: string): Promise<Endpoint[]> {
  const directory = await findDirectory(certsDir, domain);
  if (directory === undefined) return [upstreamEndpoint(domain, undefined, NO_TRUST)];
  const file = path.join(directory, 'hosts.toml');
  const text = await readConfigFile(file, 1024 * 1024);
  if (text === undefined || text === '') return [upstreamEndpoint(domain, undefined, await dockerTrust(directory))];

  const { mirrors, server } = parseHostsFile(file, text);
  const endpoints: Endpoint[] = [];
  for (const mirror of mirrors)
    endpoints.push(mirrorEndpoint(domain, mirror, await loadTrust(directory, file, mirror)));
  endpoints.push(upstreamEndpoint(domain, server, await loadTrust(directory, file, server)));
  return endpoints;
}

/** The first that exists of `host_port_`, `host:port` and `_default`. */
async function findDirectory(certsDir: string, domain: string): Promise<string | undefined> {
  const withPort = /^(.*):([0-9]+)$/.exec(domain);
  const names = [...(withPort === null ? [] : [`${withPort[1]}_${withPort[2]}_`]), domain, '_default'];
  for (const name of names) {
    const directory = path.join(certsDir, name);
    try {
      if ((await fs.stat(directory)).isDirectory()) return directory;
    } catch (error) {
      if (isAbsent(error)) continue;
      throw new CribError('FAILED_PRECONDITION', `could not look at ${directory}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  return undefined;
}

/**
 * Everything is HTTPS but what cannot leave the machine: a loopback address with a port other than 443 is plain HTTP.
 * Configured certificates make it HTTPS.
 */
function usualAddress(domain: string, trust: Trust): { origin: string; apiPath: string } {
  if (domain === 'docker.io') return { origin: `https://${DOCKER_HUB_HOST}`, apiPath: '/v2' };
  const port = /:([0-9]+)$/.exec(domain)?.[1];
  const plain = isLoopback(hostnameOf(domain)) && port !== undefined && port !== '443' && !hasTls(trust);
  try {
    return { origin: new URL(`${plain ? 'http' : 'https'}://${domain}`).origin, apiPath: '/v2' };
  } catch (error) {
    throw new CribError('INVALID_ARGUMENT', `${JSON.stringify(domain)} is not a registry host`, { cause: error });
  }
}

function hasTls(trust: Trust): boolean {
  return trust.authorities.length > 0 || trust.identities.length > 0 || trust.skipVerify;
}

function upstreamEndpoint(domain: string, entry: HostEntry | undefined, trust: Trust): Endpoint {
  const { origin, apiPath } = entry?.address ?? usualAddress(domain, trust);
  return {
    origin,
    apiPath,
    capabilities: entry?.capabilities ?? ALL,
    headers: entry?.headers ?? {},
    trust,
    foreignTrust: { ...trust, identities: [] },
    upstream: true,
    namespace: namespaceFor(origin, domain),
  };
}

/** An entry for the registry's own host, as they are written to give it a CA, gets its credentials too. */
function mirrorEndpoint(domain: string, entry: HostEntry, trust: Trust): Endpoint {
  const { origin, apiPath } = entry.address ?? usualAddress(domain, trust);
  const own = new URL(usualAddress(domain, trust).origin).hostname;
  return {
    origin,
    apiPath,
    capabilities: entry.capabilities,
    headers: entry.headers,
    trust,
    foreignTrust: { ...trust, identities: [] },
    upstream: new URL(origin).hostname === own,
    namespace: namespaceFor(origin, domain),
  };
}

function namespaceFor(origin: string, domain: string): string | undefined {
  const host = new URL(origin).host;
  const isRegistry = host === domain.toLowerCase() || (domain === 'docker.io' && host === DOCKER_HUB_HOST);
  return isRegistry ? undefined : domain;
}

async function loadTrust(directory: string, file: string, entry: HostEntry): Promise<Trust> {
  const load = async (name: string, key: string): Promise<string> => {
    const text = await readConfigFile(path.resolve(directory, name));
    if (text === undefined)
      throw new CribError('FAILED_PRECONDITION', `${file}: ${key} names ${name}, which does not exist`);
    return text;
  };
  const authorities = await Promise.all(entry.ca.map((name) => load(name, 'ca')));
  const identities = await Promise.all(
    entry.client.map(async ({ certificate, key }) => {
      const pem = await load(certificate, 'client');
      return { certificate: pem, key: key === undefined ? pem : await load(key, 'client') };
    }),
  );
  return { authorities, identities, skipVerify: entry.skipVerify, connectMs: entry.connectMs };
}

/** Docker's convention: each `*.crt` is an authority, each `*.cert` an identity with the `*.key` of the same name. */
async function dockerTrust(directory: string): Promise<Trust> {
  const names = (await fs.readdir(directory)).sort();
  const load = async (name: string): Promise<string> => {
    const text = await readConfigFile(path.join(directory, name));
    if (text === undefined) throw new CribError('FAILED_PRECONDITION', `${directory}: ${name} does not exist`);
    return text;
  };
  const authorities = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(load));
  const identities = await Promise.all(
    names
      .filter((name) => name.endsWith('.cert'))
      .map(async (name) => ({
        certificate: await load(name),
        key: await load(`${name.slice(0, -'.cert'.length)}.key`),
      })),
  );
  return { authorities, identities, skipVerify: false, connectMs: undefined };
}
