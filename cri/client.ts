/** A typed client over the same definitions as the server: for the `crib` command and for tests. */

import { Client, credentials, type CallOptions as GrpcOptions, Metadata } from '@grpc/grpc-js';
import { CribError } from '../runtime/errors.js';
import { ImageService, RuntimeService } from './api/generated/services.js';
import type { Method, StreamMethod, UnaryMethod } from './api/method.js';
import { type DeepPartial, decodeMessage, encodeMessage } from './api/wire.js';
import { MAX_MESSAGE_BYTES } from './call.js';
import { socketPathOf } from './socket.js';
import { errorOf } from './status.js';

export interface CallOptions {
  /** Milliseconds; 0: no limit. Two minutes for calls with one answer and no limit for streams, if not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** gRPC metadata, as `traceparent`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A kubelet's own limit for most calls. */
const DEFAULT_TIMEOUT_MS = 120_000;

/** Calls throw CribError with the code and the message of the server; UNAVAILABLE when nobody answers. */
export type ServiceClient<Service> = {
  readonly [Key in keyof Service]: Service[Key] extends UnaryMethod<infer Request, infer Response>
    ? (request: DeepPartial<Request>, options?: CallOptions) => Promise<Response>
    : Service[Key] extends StreamMethod<infer Request, infer Response>
      ? (request: DeepPartial<Request>, options?: CallOptions) => AsyncIterable<Response>
      : never;
};

export interface CriClient {
  readonly runtime: ServiceClient<typeof RuntimeService>;
  readonly images: ServiceClient<typeof ImageService>;
  /** Sends bytes as they are and returns those of the response: for tests of what no client would send. */
  raw(path: string, bytes: Buffer, options?: CallOptions): Promise<Buffer>;
  close(): void;
}

/** Connects lazily to `unix:///path` or `/path`. */
export function connect(address: string): CriClient {
  const client = new Client(`unix:${socketPathOf(address)}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.default_authority': 'localhost',
  });
  return {
    runtime: serviceClient(client, RuntimeService),
    images: serviceClient(client, ImageService),
    raw: (path, bytes, options) => callUnary(client, path, bytes, options ?? {}),
    close: () => client.close(),
  };
}

type AnyMethod = Method<object, object>;

function serviceClient<S extends Record<string, object>>(client: Client, service: S): ServiceClient<S> {
  const calls = (Object.entries(service) as [string, AnyMethod][]).map(([key, method]) => [
    key,
    method.responseStream
      ? (request: object, options: CallOptions = {}) => stream(client, method, request, options)
      : async (request: object, options: CallOptions = {}) => {
          const bytes = await callUnary(client, method.path, encodeMessage(method.request, request), options);
          return decodeMessage(method.response, bytes);
        },
  ]);
  return Object.fromEntries(calls);
}

const asIs = (bytes: Buffer): Buffer => bytes;

function grpcOptions(options: CallOptions, fallbackMs: number): GrpcOptions {
  const timeoutMs = options.timeoutMs ?? fallbackMs;
  return timeoutMs === 0 ? {} : { deadline: Date.now() + timeoutMs };
}

function metadataOf({ metadata = {} }: CallOptions): Metadata {
  const made = new Metadata();
  for (const [key, value] of Object.entries(metadata)) made.set(key, value);
  return made;
}

function callUnary(client: Client, path: string, bytes: Buffer, options: CallOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) {
      reject(new CribError('CANCELLED', `${path}: cancelled before it was sent`));
      return;
    }
    const settings = grpcOptions(options, DEFAULT_TIMEOUT_MS);
    const metadata = metadataOf(options);
    const call = client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, settings, (error, response) => {
      options.signal?.removeEventListener('abort', cancel);
      if (error !== null) reject(errorOf(error));
      else resolve(response ?? Buffer.alloc(0));
    });
    const cancel = () => call.cancel();
    options.signal?.addEventListener('abort', cancel, { once: true });
  });
}

async function* stream(
  client: Client,
  method: AnyMethod,
  request: object,
  options: CallOptions,
): AsyncGenerator<object, void, undefined> {
  const bytes = encodeMessage(method.request, request);
  const settings = grpcOptions(options, 0);
  const call = client.makeServerStreamRequest(method.path, asIs, asIs, bytes, metadataOf(options), settings);
  const cancel = () => call.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.signal?.aborted === true) cancel();
  try {
    for await (const message of call) yield decodeMessage(method.response, message as Buffer);
  } catch (error) {
    throw isServiceError(error) ? errorOf(error) : error;
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}

function isServiceError(error: unknown): error is Parameters<typeof errorOf>[0] {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;
}
