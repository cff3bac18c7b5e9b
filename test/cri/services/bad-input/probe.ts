/** A gRPC client without limits or types of its own, so that it sends what the tests give it. */

import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import * as api from '../../../../cri/api/generated/index.js';
import { encodeMessage, type MessageCodec } from '../../../../cri/api/wire.js';
import type { CallDescription } from './fields.js';
import type { Message } from './requests.js';

export interface Answered {
  /** The name of the gRPC code. */
  readonly code: string;
  readonly message: string;
}

export interface Probe {
  send(call: CallDescription, request: Message | Buffer): Promise<Answered>;
  close(): void;
}

/** An answer that takes longer is none. Milliseconds. */
const DEADLINE_MS = 20_000;

export function probe(socket: string): Probe {
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': -1,
    'grpc.default_authority': 'localhost',
  });
  return {
    send: (call, request) => {
      const bytes = Buffer.isBuffer(request) ? request : encodeMessage(codecOf(call.request.name), request);
      return call.stream ? sendStream(client, call.path, bytes) : sendUnary(client, call.path, bytes);
    },
    close: () => client.close(),
  };
}

const asIs = (bytes: Buffer): Buffer => bytes;

function sendUnary(client: Client, path: string, bytes: Buffer): Promise<Answered> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    client.makeUnaryRequest(path, asIs, asIs, bytes, new Metadata(), options, (error) => resolve(answered(error)));
  });
}

/** A stream without an end (events) that takes a bad request is answered DEADLINE_EXCEEDED. */
async function sendStream(client: Client, path: string, bytes: Buffer): Promise<Answered> {
  const options = { deadline: Date.now() + DEADLINE_MS };
  try {
    for await (const _ of client.makeServerStreamRequest(path, asIs, asIs, bytes, new Metadata(), options));
    return answered(null);
  } catch (error) {
    return answered(error as ServiceError);
  }
}

function answered(error: ServiceError | null): Answered {
  return error === null ? { code: 'OK', message: '' } : { code: status[error.code] ?? '', message: error.details };
}

function codecOf(name: string): MessageCodec<object> {
  return Reflect.get(api, name) as MessageCodec<object>;
}
