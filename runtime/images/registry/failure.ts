/** What went wrong with one request, and whether asking again may help. */

import { CribError, type ErrorCode, messageOf } from '../../errors.js';

/** A CribError that knows whether another attempt may do better. Only the registry client looks at the difference. */
export class RegistryFailure extends CribError {
  readonly retryable: boolean;
  /** Milliseconds that the registry asks us to wait (RFC 9110, Retry-After). */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryable?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(code, message, { cause: options.cause });
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** CANCELLED, or the code with which the caller aborted. */
export function cancelled(what: string, signal: AbortSignal): CribError {
  const reason: unknown = signal.reason;
  if (reason instanceof CribError) return new CribError(reason.code, `${what}: ${reason.message}`, { cause: reason });
  return new CribError('CANCELLED', `${what}: the caller went away`, { cause: reason });
}

const CERTIFICATE_ERRORS = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The failure for what node:http, node:https or node:net threw. */
export function networkFailure(what: string, error: unknown): CribError {
  if (error instanceof CribError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (CERTIFICATE_ERRORS.has(code)) {
    return new RegistryFailure(
      'FAILED_PRECONDITION',
      `${what}: its certificate is not trusted (${messageOf(error)}); name its authority as "ca" in hosts.toml`,
      { cause: error },
    );
  }
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return new RegistryFailure(
      'FAILED_PRECONDITION',
      `${what}: it does not speak TLS (${messageOf(error).trim()}); for plain HTTP give an http:// address in hosts.toml`,
      { cause: error },
    );
  }
  // A connection to several addresses fails with an AggregateError, whose own message is empty.
  const reason = messageOf(error) || code || 'the connection failed';
  return new RegistryFailure('UNAVAILABLE', `${what}: ${reason}`, { retryable: true, cause: error });
}

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  UNAUTHENTICATED: 'the credentials are missing or wrong (imagePullSecrets, or Docker’s config.json)',
  PERMISSION_DENIED: 'these credentials may not pull it',
};

/** The failure for an HTTP status that is no success; `said` is the registry's own message, if it gave one. */
export function statusFailure(
  what: string,
  status: number,
  said: string,
  retryAfterMs: number | undefined,
): RegistryFailure {
  const code = codeOfStatus(status);
  const hint = HINTS[code];
  const reason = [
    said === '' ? `HTTP status ${status}` : `HTTP status ${status}, ${said}`,
    ...(hint === undefined ? [] : [hint]),
  ];
  return new RegistryFailure(code, `${what}: ${reason.join('; ')}`, {
    retryable: status === 408 || status === 429 || status >= 500,
    retryAfterMs,
  });
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 400) return 'INVALID_ARGUMENT';
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'PERMISSION_DENIED';
  if (status === 404 || status === 410) return 'NOT_FOUND';
  if (status === 429) return 'RESOURCE_EXHAUSTED';
  if (status === 408 || status >= 500) return 'UNAVAILABLE';
  return 'UNKNOWN';
}

const MAX_SAID = 300;

/** The message in an error body (distribution spec, "Error Codes"): bounded, on one line, never markup. */
export function registryMessage(contentType: string | undefined, body: Buffer): string {
  const text = body.toString('utf8');
  let said = '';
  try {
    said = errorsOf(JSON.parse(text));
  } catch {
    if (contentType?.startsWith('text/plain') === true) said = text;
  }
  const line = said.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > MAX_SAID ? `${line.slice(0, MAX_SAID)}…` : line;
}

function errorsOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return '';
  // Token servers answer as in RFC 6749 or with `details`.
  const fields: Record<string, unknown> = { ...body };
  for (const name of ['error_description', 'details', 'message']) {
    if (typeof fields[name] === 'string') return fields[name];
  }
  if (!Array.isArray(fields.errors)) return typeof fields.error === 'string' ? fields.error : '';
  const parts: string[] = [];
  for (const item of fields.errors.slice(0, 5)) {
    if (typeof item !== 'object' || item === null) continue;
    const { code, message }: { code?: unknown; message?: unknown } = item;
    parts.push([code, message].filter((part) => typeof part === 'string' && part !== '').join(': '));
  }
  return parts.join('; ');
}
