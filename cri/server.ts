/**
 * `cri/` is what the kubelet sees. This file is the gRPC server: it puts handlers (cri/services) on a unix socket, and
 * is the one place where requests are decoded, responses encoded, errors turned into statuses, and calls logged.
 */

import fs from 'node:fs/promises';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { CribError } from '../runtime/errors.js';
import type { Log } from '../runtime/log.js';
import { ImageService, RuntimeService } from './api/generated/services.js';
import type { Method } from './api/method.js';
import { decodeMessage, encodeMessage } from './api/wire.js';
import {
  type Call,
  type CallObserver,
  type CallOutcome,
  type Handlers,
  MAX_MESSAGE_BYTES,
  type StreamHandler,
  type UnaryHandler,
} from './call.js';
import { beginRecord } from './call-record.js';
import { forgetFarDeadlines } from './far-deadlines.js';
import { placeSocket, socketPathOf } from './socket.js';

export interface Services {
  readonly runtime: Handlers<typeof RuntimeService>;
  readonly images: Handlers<typeof ImageService>;
}

export interface ServerOptions {
  /** `unix:///run/crib/crib.sock` */
  readonly listen: string;
  readonly services: Services;
  readonly log: Log;
  /** Told of each call; a later one sees the time that an earlier one takes. */
  readonly observers?: readonly CallObserver[];
}

export interface RunningServer {
  /** Ends streams, lets other calls in progress end for up to `graceMs`, then cancels them; removes the socket. */
  close(graceMs?: number): Promise<void>;
}

/** Binds the socket (mode 0660) and serves. Throws FAILED_PRECONDITION when somebody else answers on it. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const file = socketPathOf(options.listen);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  const streams: OpenStreams = new Set();
  const serving: Serving = { log: options.log, observers: options.observers ?? [], streams };
  addService(server, RuntimeService, options.services.runtime, serving);
  addService(server, ImageService, options.services.images, serving);
  try {
    await placeSocket(file, (temporary) => bind(server, temporary));
    forgetFarDeadlines(server);
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
  return {
    close: async (graceMs = 5000) => {
      await fs.rm(file, { force: true });
      for (const stream of streams) stream.abort(new CribError('UNAVAILABLE', 'crib ends; call again'));
      await shutdown(server, graceMs);
    },
  };
}

function bind(server: Server, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${file}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function shutdown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

type AnyMethod = Method<object, object>;

/** Some streams have no end of their own: those of events. */
type OpenStreams = Set<AbortController>;

interface Serving {
  readonly log: Log;
  readonly observers: readonly CallObserver[];
  readonly streams: OpenStreams;
}

type AnyCall = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/** Messages pass grpc-js as bytes; decoding and encoding happen where their errors can be answered. */
const asIs = (bytes: Buffer): Buffer => bytes;

function addService<S extends Record<string, object>>(
  server: Server,
  service: S,
  handlers: Handlers<S>,
  serving: Serving,
): void {
  const definition: Record<string, Parameters<Server['addService']>[0][string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(service) as [string, AnyMethod][]) {
    definition[key] = {
      path: method.path,
      requestStream: false,
      responseStream: method.responseStream,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    // `Handlers` pairs each key with a handler of that method's own types; the loop forgets which.
    const handler: unknown = Reflect.get(handlers, key);
    implementation[key] = method.responseStream
      ? streamHandler(method, handler as StreamHandler<object, object>, serving)
      : unaryHandler(method, handler as UnaryHandler<object, object>, serving);
  }
  server.addService(definition, implementation);
}

function unaryHandler(method: AnyMethod, handler: UnaryHandler<object, object>, serving: Serving) {
  const answer = async (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
    const record = beginRecord(method, serving.log);
    try {
      const request = decodeMessage(method.request, call.request);
      record.about(request);
      const bytes = encoded(method, await handler(request, callOf(call)));
      callback(null, bytes);
      return record.succeeded();
    } catch (error) {
      const { status, outcome } = record.failed(error);
      callback(status);
      return outcome;
    }
  };
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void =>
    void observed(serving, method, call, () => answer(call, callback));
}

function streamHandler(method: AnyMethod, handler: StreamHandler<object, object>, serving: Serving) {
  const answer = async (call: ServerWritableStream<Buffer, Buffer>) => {
    const record = beginRecord(method, serving.log);
    const controller = controllerOf(call);
    serving.streams.add(controller);
    try {
      const request = decodeMessage(method.request, call.request);
      record.about(request);
      const context = { signal: controller.signal, header: headersOf(call) };
      for await (const message of handler(request, context)) {
        context.signal.throwIfAborted();
        if (!call.write(encoded(method, message))) await drained(call, context.signal);
      }
      call.end();
      return record.succeeded();
    } catch (error) {
      const { status, outcome } = record.failed(error);
      call.emit('error', status);
      return outcome;
    } finally {
      serving.streams.delete(controller);
    }
  };
  return (call: ServerWritableStream<Buffer, Buffer>): void => void observed(serving, method, call, () => answer(call));
}

function observed(
  { observers }: Serving,
  method: AnyMethod,
  call: AnyCall,
  run: () => Promise<CallOutcome>,
): Promise<CallOutcome> {
  if (observers.length === 0) return run();
  const described = {
    service: method.path.split('/')[1] ?? '',
    method: method.name,
    metadata: headersOf(call),
  };
  const within = (inner: () => Promise<CallOutcome>, observer: CallObserver) => () => observer(described, inner);
  return observers.reduce(within, run)();
}

function encoded(method: AnyMethod, message: object): Buffer {
  const bytes = encodeMessage(method.response, message);
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new CribError(
      'RESOURCE_EXHAUSTED',
      `${method.name}: the response has ${bytes.length} bytes, more than ${MAX_MESSAGE_BYTES}: narrow the filter or use the Stream call`,
    );
  }
  return bytes;
}

function callOf(call: ServerUnaryCall<Buffer, Buffer>): Call {
  return { signal: controllerOf(call).signal, header: headersOf(call) };
}

function headersOf(call: AnyCall): (key: string) => string | undefined {
  return (key) => call.metadata.get(key)[0]?.toString();
}

function controllerOf(call: AnyCall): AbortController {
  const controller = new AbortController();
  const abort = () => controller.abort(new CribError('CANCELLED', 'the caller went away or its deadline passed'));
  if (call.cancelled) abort();
  else call.once('cancelled', abort);
  return controller;
}

function drained(call: ServerWritableStream<Buffer, Buffer>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      call.removeListener('drain', onDrain);
      reject(signal.reason);
    };
    const onDrain = () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    call.once('drain', onDrain);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
