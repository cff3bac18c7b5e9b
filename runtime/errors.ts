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

/** What a failed system call means to the client, by the name of its errno; everything else is INTERNAL. */
const CODES_OF_ERRNO: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  ['ENOSPC', 'RESOURCE_EXHAUSTED'],
  ['EDQUOT', 'RESOURCE_EXHAUSTED'],
  ['EMFILE', 'RESOURCE_EXHAUSTED'],
  ['ENFILE', 'RESOURCE_EXHAUSTED'],
  ['EROFS', 'FAILED_PRECONDITION'],
]);

/** The code of anything that was thrown: a CribError's own, that of an errno, else `INTERNAL`. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof CribError) return error.code;
  const errno: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return CODES_OF_ERRNO.get(errno) ?? 'INTERNAL';
}

/**
 * Says what was being attempted when `cause` was thrown. Keeps the code of a CribError, so that a `NOT_FOUND` from
 * below stays one.
 */
export function attempting(attempt: string, cause: unknown): CribError {
  return new CribError(codeOf(cause), `${attempt}: ${messageOf(cause)}`, { cause });
}
