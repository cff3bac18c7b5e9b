/**
 * The one error type of crib. Its code is a gRPC status name; only `cri/` turns it into a status.
 * A message says what was attempted, on what, why it failed and, where there is one, the way out.
 */

/** Why an operation failed. `docs/errors.md` says when each is used; a test holds the two equal. */
export const ERROR_CODES = [
  'CANCELLED',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNKNOWN',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export class CribError extends Error {
  override readonly name = 'CribError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of anything that was thrown: a CribError's own, `INTERNAL` for everything else. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof CribError ? error.code : 'INTERNAL';
}

/**
 * Says what was being attempted when `cause` was thrown. Keeps the code of a CribError, so that a `NOT_FOUND` from
 * below stays one.
 */
export function attempting(attempt: string, cause: unknown): CribError {
  return new CribError(codeOf(cause), `${attempt}: ${messageOf(cause)}`, { cause });
}
