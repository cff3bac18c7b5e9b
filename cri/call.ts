/** What a handler of a call is: a function from a request to a response, that knows nothing of gRPC. */

import type { StreamMethod, UnaryMethod } from './api/method.js';
import type { DeepPartial } from './api/wire.js';

/** What a kubelet expects; grpc-js receives 4 MiB if not told otherwise. Bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface Call {
  /** Aborted when the caller goes away or its deadline passes. */
  readonly signal: AbortSignal;
}

export type UnaryHandler<Request, Response> = (request: Request, call: Call) => Promise<DeepPartial<Response>>;

/** Each yielded value is one message of the stream. */
export type StreamHandler<Request, Response> = (request: Request, call: Call) => AsyncIterable<DeepPartial<Response>>;

/** One handler for each method of a generated service, by the method's key. */
export type Handlers<Service> = {
  readonly [Key in keyof Service]: Service[Key] extends UnaryMethod<infer Request, infer Response>
    ? UnaryHandler<Request, Response>
    : Service[Key] extends StreamMethod<infer Request, infer Response>
      ? StreamHandler<Request, Response>
      : never;
};
