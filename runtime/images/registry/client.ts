/**
 * The registry client: pulls by the OCI distribution spec (registry API v2) from a registry or its mirrors.
 *
 *   session      which endpoints, in which order, how often      (session, rotation, hosts, hosts-file)
 *   manifest     content that is read whole and verified
 *   blob         content that streams and is taken up again
 *   exchange     one question: challenge answered, redirects     (authorizer, token, challenge, credentials…)
 *   transport    one HTTP request: sockets, TLS, proxy, limits   (roots, proxy, body)
 */

import type { Reference, RegistryClient, RegistrySession } from '../registry-types.js';
import type { RegistryAuth } from '../types.js';
import { Roots } from './roots.js';
import { DEFAULT_RETRY, type RetryPolicy } from './rotation.js';
import { Session } from './session.js';

export interface RegistryClientOptions {
  /** containerd's certs.d layout; need not exist. */
  readonly certsDir: string;
  /** Docker's config.json files, the first that knows the host counts; need not exist. */
  readonly dockerConfigPaths: readonly string[];
  /** `crib/<version>`. */
  readonly userAgent?: string;
  readonly retry?: Partial<RetryPolicy>;
  /** Where HTTP_PROXY, HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are read; the process's own unless given. */
  readonly env?: NodeJS.ProcessEnv;
}

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const env = options.env ?? process.env;
  const settings = {
    certsDir: options.certsDir,
    dockerConfigPaths: options.dockerConfigPaths,
    userAgent: options.userAgent ?? 'crib',
    policy: { ...DEFAULT_RETRY, ...options.retry },
    roots: new Roots(env),
    env,
  };
  return {
    session: (reference: Reference, auth: RegistryAuth | undefined): RegistrySession =>
      new Session(settings, reference, auth),
  };
}
