/** A bad request and what it must be answered. */

import type { Message, Subjects } from './requests.js';

/** gRPC codes by their names; OK where the CRI says that the call is idempotent or finds nothing. */
export type Answer =
  | 'OK'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'FAILED_PRECONDITION'
  | 'ALREADY_EXISTS'
  | 'RESOURCE_EXHAUSTED';

export interface Row {
  readonly call: string;
  readonly what: string;
  /** Or the bytes that are sent in its place. */
  readonly request: (node: Subjects) => Message | Buffer;
  readonly answer: Answer;
  /** What the message must hold: the path of the field. Empty for OK. */
  readonly names: string;
}
