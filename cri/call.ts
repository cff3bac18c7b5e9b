/** What a handler of a call is: a function from a request to a response, that knows nothing of gRPC. */

import type { ErrorCode } from '../runtime/errors.js';
import type { StreamMethod, UnaryMethod } from './api/method.js';
import type { DeepPartial } from './api/wire.js';

/** What a kubelet expects; grpc-js receives 4 MiB if not told otherwise. Bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface Call {
  /** Aborted when the caller goes away or its deadline passes. */
  readonly signal: AbortSignal;
  /** A header of the client's. */
  header(key: string): string | undefined;
}

/** How a call ended. */
export interface CallOutcome {
  readonly code: ErrorCode | 'OK';
  /** Empty when it went well. */
  readonly message: string;
  /** Ids of the pod and container that it was about, as the request named them. */
  readonly about: Readonly<Record<string, string>>;
}

export interface ObservedCall {
  /** `runtime.v1.RuntimeService` */
  readonly service: string;
  /** `Version` */
  readonly method: string;
  /** A header of the client's. */
  metadata(key: string): string | undefined;
}

/** Does `run` and tells the world: metrics, traces. */
export type CallObserver = (call: ObservedCall, run: () => Promise<CallOutcome>) => Promise<CallOutcome>;

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
