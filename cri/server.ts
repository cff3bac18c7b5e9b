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
import { CribError, messageOf } from '../runtime/errors.js';
import type { Log } from '../runtime/log.js';
import { ImageService, RuntimeService } from './api/generated/services.js';
import type { Method } from './api/method.js';
import { decodeMessage, encodeMessage } from './api/wire.js';
import { type Call, type Handlers, MAX_MESSAGE_BYTES, type StreamHandler, type UnaryHandler } from './call.js';
import { placeSocket, socketPathOf } from './socket.js';
import { errorCodeOf, type Status, statusOf } from './status.js';

export interface Services {
  readonly runtime: Handlers<typeof RuntimeService>;
  readonly images: Handlers<typeof ImageService>;
}

export interface ServerOptions {
  /** `unix:///run/crib/crib.sock` */
  readonly listen: string;
  readonly services: Services;
  readonly log: Log;
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
  addService(server, RuntimeService, options.services.runtime, options.log, streams);
  addService(server, ImageService, options.services.images, options.log, streams);
  try {
    await placeSocket(file, (temporary) => bind(server, temporary));
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

/** Messages pass grpc-js as bytes; decoding and encoding happen where their errors can be answered. */
const asIs = (bytes: Buffer): Buffer => bytes;

function addService<S extends Record<string, object>>(
  server: Server,
  service: S,
  handlers: Handlers<S>,
  log: Log,
  streams: OpenStreams,
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
      ? streamHandler(method, handler as StreamHandler<object, object>, log, streams)
      : unaryHandler(method, handler as UnaryHandler<object, object>, log);
  }
  server.addService(definition, implementation);
}

function unaryHandler(method: AnyMethod, handler: UnaryHandler<object, object>, log: Log) {
  return async (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): Promise<void> => {
    const record = beginRecord(method, log);
    try {
      const request = decodeMessage(method.request, call.request);
      record.about(request);
      const bytes = encoded(method, await handler(request, callOf(call)));
      record.succeeded();
      callback(null, bytes);
    } catch (error) {
      callback(record.failed(error));
    }
  };
}

function streamHandler(method: AnyMethod, handler: StreamHandler<object, object>, log: Log, streams: OpenStreams) {
  return async (call: ServerWritableStream<Buffer, Buffer>): Promise<void> => {
    const record = beginRecord(method, log);
    const controller = controllerOf(call);
    streams.add(controller);
    try {
      const request = decodeMessage(method.request, call.request);
      record.about(request);
      const context = { signal: controller.signal };
      for await (const message of handler(request, context)) {
        context.signal.throwIfAborted();
        if (!call.write(encoded(method, message))) await drained(call, context.signal);
      }
      record.succeeded();
      call.end();
    } catch (error) {
      call.emit('error', record.failed(error));
    } finally {
      streams.delete(controller);
    }
  };
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
  return { signal: controllerOf(call).signal };
}

function controllerOf(call: ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>): AbortController {
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

interface CallRecord {
  about(request: object): void;
  succeeded(): void;
  /** Logs the failure and returns the status that tells it. */
  failed(error: unknown): Status;
}

/** Codes that say that crib or its host is at fault, not the request. */
const OWN_FAULTS: ReadonlySet<string> = new Set([
  'INTERNAL',
  'UNKNOWN',
  'DATA_LOSS',
  'UNAVAILABLE',
  'RESOURCE_EXHAUSTED',
]);

/** One log line per call: its name, what it is about, milliseconds, and the error. Never the request itself. */
function beginRecord(method: AnyMethod, log: Log): CallRecord {
  const begun = performance.now();
  const fields: Record<string, unknown> = { call: method.name };
  const end = () => ({ ...fields, ms: Math.round((performance.now() - begun) * 10) / 10 });
  return {
    about: (request) => {
      for (const key of ['podSandboxId', 'containerId']) {
        const id: unknown = Reflect.get(request, key);
        if (typeof id === 'string' && id !== '') fields[key] = id.slice(0, 128);
      }
    },
    succeeded: () => log.debug(end(), 'call'),
    failed: (error) => {
      const code = errorCodeOf(error);
      const status = statusOf(error);
      const line = { ...end(), code, error: status.details };
      if (!OWN_FAULTS.has(code)) log.info(line, 'call failed');
      else if (error instanceof CribError) log.warn(line, 'call failed');
      else log.error({ ...line, stack: error instanceof Error ? error.stack : messageOf(error) }, 'call failed');
      return status;
    },
  };
}
