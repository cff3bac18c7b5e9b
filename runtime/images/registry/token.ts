/** The token server of a registry (distribution docs, "Token Authentication" and "OAuth2 Token Authentication"). */

import { CribError } from '../../errors.js';
import { readBody } from './body.js';
import type { Credentials } from './credentials.js';
import { type Endpoint, isLoopback } from './endpoint.js';
import { RegistryFailure, registryMessage, statusFailure } from './failure.js';
import { retryAfter } from './retry-after.js';
import { describe, type HttpRequest, type Transport } from './transport.js';

export interface Token {
  readonly value: string;
  /** Milliseconds of performance.now(). */
  readonly expires: number;
}

export interface TokenRequest {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string;
}

const MAX_BODY = 1024 * 1024;
/** What a token is valid for where the server does not say, and the least that is believed. */
const DEFAULT_SECONDS = 60;
/** A token is no longer used this long before it expires, for it must arrive. */
const MARGIN_MS = 5_000;
const CLIENT_ID = 'crib';

/** Throws UNAUTHENTICATED, PERMISSION_DENIED or UNAVAILABLE with the token server's message. */
export async function fetchToken(
  transport: Transport,
  endpoint: Endpoint,
  wanted: TokenRequest,
  credentials: Credentials | undefined,
  stallMs: number,
  signal: AbortSignal,
): Promise<Token> {
  const url = realmUrl(endpoint, wanted.realm, credentials);
  const trust = url.origin === endpoint.origin ? endpoint.trust : endpoint.foreignTrust;
  const request =
    credentials?.kind === 'identity'
      ? refreshRequest(wanted, credentials.token)
      : basicRequest(url, wanted, credentials);
  const what = `${request.method} ${describe(url)} (a token for ${wanted.scope})`;
  const response = await transport.request(url, trust, request, signal);
  const body = await readBody(what, response, MAX_BODY, stallMs);
  const status = response.statusCode ?? 0;
  if (status !== 200) {
    const said = registryMessage(response.headers['content-type'], body ?? Buffer.alloc(0));
    // OAuth2 servers say 400 for a wrong refresh token (RFC 6749, 5.2).
    const meant = status === 400 && credentials?.kind === 'identity' ? 401 : status;
    throw statusFailure(what, meant, said, retryAfter(response.headers['retry-after'], Date.now()));
  }
  return parseToken(what, body);
}

/** The registry names the realm: credentials must not leave TLS because it says so. */
function realmUrl(endpoint: Endpoint, realm: string, credentials: Credentials | undefined): URL {
  const url = URL.canParse(realm, endpoint.origin) ? new URL(realm, endpoint.origin) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new RegistryFailure('UNAUTHENTICATED', `${endpoint.origin} names no usable token server`);
  }
  url.username = '';
  url.password = '';
  if (
    credentials !== undefined &&
    url.protocol === 'http:' &&
    endpoint.origin.startsWith('https:') &&
    !isLoopback(url.hostname)
  ) {
    const reason = `${endpoint.origin} wants credentials sent in clear text to ${describe(url)}; refused`;
    throw new RegistryFailure('UNAUTHENTICATED', reason);
  }
  return url;
}

function basicRequest(url: URL, { service, scope }: TokenRequest, credentials: Credentials | undefined): HttpRequest {
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', scope);
  if (credentials?.kind !== 'basic') return { method: 'GET', headers: { Accept: 'application/json' } };
  url.searchParams.set('account', credentials.username);
  return { method: 'GET', headers: { Accept: 'application/json', Authorization: basicHeader(credentials) } };
}

function refreshRequest({ service, scope }: TokenRequest, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: refreshToken,
    scope,
  });
  if (service !== undefined) form.set('service', service);
  const body = form.toString();
  const headers = {
    Accept: 'application/json',
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': Buffer.byteLength(body),
  };
  return { method: 'POST', headers, body };
}

/** RFC 7617, in UTF-8. */
export function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function parseToken(what: string, body: Buffer | undefined): Token {
  const fields = jsonObject(body);
  const value = [fields.token, fields.access_token].find((token) => typeof token === 'string' && token !== '');
  // A line break would end the header that it is sent in.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new CribError('UNAUTHENTICATED', `${what}: the answer holds no token`);
  }
  const seconds = typeof fields.expires_in === 'number' ? fields.expires_in : DEFAULT_SECONDS;
  const lifetime = Math.min(Math.max(seconds, DEFAULT_SECONDS), 86_400) * 1000;
  return { value, expires: performance.now() + lifetime - MARGIN_MS };
}

function jsonObject(body: Buffer | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body?.toString('utf8') ?? '');
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
