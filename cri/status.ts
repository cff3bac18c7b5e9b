/** The one place where an error becomes a gRPC status, and (for clients) a status becomes an error again. */

import { type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { CribError, codeOf, ERROR_CODES, type ErrorCode, messageOf } from '../runtime/errors.js';
import { DecodeError } from './api/wire.js';

/** A message travels in a header, so it must not grow with the request: characters. */
const MAX_MESSAGE = 4096;

export type Status = Pick<StatusObject, 'code' | 'details'>;

/** The code of whatever a handler threw. A request that cannot be decoded is the caller's fault. */
export function errorCodeOf(error: unknown): ErrorCode {
  return error instanceof DecodeError ? 'INVALID_ARGUMENT' : codeOf(error);
}

/** Anything that was thrown as a status; what is no CribError is INTERNAL. */
export function statusOf(error: unknown): Status {
  return { code: status[errorCodeOf(error)], details: shortened(messageOf(error)) };
}

/** Cut to a length that fits a header, and without the lone surrogates that `encodeURI` throws on. */
function shortened(message: string): string {
  const cut = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}… (cut)` : message;
  return Buffer.from(cut).toString();
}

/** A status that a server answered, as the error that it was there. */
export function errorOf(error: ServiceError): CribError {
  const name = status[error.code];
  const code = ERROR_CODES.find((known) => known === name) ?? 'UNKNOWN';
  return new CribError(code, error.details || error.message, { cause: error });
}
