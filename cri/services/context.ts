/** What every call works with, and the shape of a call. */

import type { ImageStore } from '../../runtime/images/types.js';
import type { PodRuntime } from '../../sandbox/types.js';
import type { StreamMethod, UnaryMethod } from '../api/method.js';
import type { DeepPartial } from '../api/wire.js';
import type { Call } from '../call.js';
import type { StreamingServer } from '../streaming/server.js';

export interface ServiceContext {
  readonly pods: PodRuntime;
  readonly images: ImageStore;
  readonly streaming: Pick<StreamingServer, 'urlFor'>;
  /** crib's own version. */
  readonly version: string;
}

/** Translates one request, calls the node, and translates the answer. `signal` fires when the client is gone. */
export type Unary<Request, Response> = (
  context: ServiceContext,
  request: Request,
  signal: AbortSignal,
) => Promise<DeepPartial<Response>>;

export type ServerStream<Request, Response> = (
  context: ServiceContext,
  request: Request,
  signal: AbortSignal,
  header: Call['header'],
) => AsyncIterable<DeepPartial<Response>>;

type CallOf<M> =
  M extends UnaryMethod<infer Request, infer Response>
    ? Unary<Request, Response>
    : M extends StreamMethod<infer Request, infer Response>
      ? ServerStream<Request, Response>
      : never;

/** One call for every method of a service. */
export type Calls<Service> = { readonly [Name in keyof Service]: CallOf<Service[Name]> };
