/** How a call is described: what the generated services are made of, and what server and client are typed by. */

import type { MessageCodec } from './wire.js';

interface MethodBase<Request, Response> {
  /** `/runtime.v1.RuntimeService/Version` */
  readonly path: string;
  /** `Version` */
  readonly name: string;
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
}

export interface UnaryMethod<Request, Response> extends MethodBase<Request, Response> {
  readonly responseStream: false;
}

export interface StreamMethod<Request, Response> extends MethodBase<Request, Response> {
  readonly responseStream: true;
}

/** No call of the CRI streams its requests. */
export type Method<Request, Response> = UnaryMethod<Request, Response> | StreamMethod<Request, Response>;

export function unary<Request, Response>(
  service: string,
  name: string,
  request: MessageCodec<Request>,
  response: MessageCodec<Response>,
): UnaryMethod<Request, Response> {
  return { path: `/${service}/${name}`, name, request, response, responseStream: false };
}

export function serverStream<Request, Response>(
  service: string,
  name: string,
  request: MessageCodec<Request>,
  response: MessageCodec<Response>,
): StreamMethod<Request, Response> {
  return { path: `/${service}/${name}`, name, request, response, responseStream: true };
}
