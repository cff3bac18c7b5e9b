/** The forms in which credentials are given (CRI AuthConfig, Docker's config.json), and the host they are for. */

import { CribError } from '../../errors.js';
import type { RegistryAuth } from '../types.js';
import { DOCKER_HUB_HOST } from './endpoint.js';

export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token. */
  | { readonly kind: 'identity'; readonly token: string }
  /** A bearer token for the registry itself. */
  | { readonly kind: 'registry'; readonly token: string };

/** `https://index.docker.io/v1/`, `registry-1.docker.io` and `docker.io` are one; scheme and path do not count. */
export function canonicalHost(address: string): string {
  const host = address
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/[/?#].*$/s, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === DOCKER_HUB_HOST ? 'docker.io' : host;
}

/** The form of a CRI AuthConfig (or an entry of Docker's file) that counts, in the order of the contract. */
export function fromAuth(auth: Omit<RegistryAuth, 'serverAddress'>): Credentials | undefined {
  if (auth.registryToken !== '') return { kind: 'registry', token: headerSafe('registry_token', auth.registryToken) };
  if (auth.identityToken !== '') return { kind: 'identity', token: auth.identityToken };
  if (auth.auth !== '') return decodeAuth(auth.auth);
  if (auth.username !== '') return { kind: 'basic', username: auth.username, password: auth.password };
  return undefined;
}

function headerSafe(field: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CribError('INVALID_ARGUMENT', `auth.${field} has characters that no token has`);
}

/** base64 of `user:password`; Docker on some systems filled the password up with NULs. Never echoes what it was given. */
function decodeAuth(auth: string): Credentials {
  if (!/^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(auth)) throw new CribError('INVALID_ARGUMENT', 'auth.auth is not base64');
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw new CribError('INVALID_ARGUMENT', 'auth.auth is not base64 of user:password');
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
