/** Who we are to a registry: from the CRI request, else from Docker's config.json, else nobody. */

import type { Reference } from '../registry-types.js';
import type { RegistryAuth } from '../types.js';
import { type Credentials, canonicalHost, fromAuth } from './credentials.js';
import { findInDockerConfigs } from './docker-config.js';
import type { Endpoint } from './endpoint.js';

/**
 * The credentials for one endpoint. What the CRI request carries is for the registry that the reference names, and for
 * the host in its server_address; a mirror under another name gets it only so. Docker's files are read where the
 * request says nothing for this host.
 */
export async function credentialsFor(
  endpoint: Endpoint,
  reference: Reference,
  auth: RegistryAuth | undefined,
  dockerConfigPaths: readonly string[],
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const host = new URL(endpoint.origin).host;
  const names = endpoint.upstream ? [reference.domain, host] : [host];
  if (auth !== undefined && appliesTo(auth, endpoint, names)) {
    const given = fromAuth(auth);
    if (given !== undefined) return given;
  }
  return findInDockerConfigs(dockerConfigPaths, names, reference.path, signal);
}

function appliesTo(auth: RegistryAuth, endpoint: Endpoint, names: readonly string[]): boolean {
  if (auth.serverAddress === '') return endpoint.upstream;
  const server = canonicalHost(auth.serverAddress);
  return names.some((name) => canonicalHost(name) === server);
}
