/** Which fields of its request a call looks at: the request records what is read of it. */

import protobuf from 'protobufjs';
import * as api from '../../cri/api/generated/index.js';
import { propertyName } from '../../cri/api/generator/protos.js';
import { decodeMessage, encodeMessage, type MessageCodec } from '../../cri/api/wire.js';
import { IMAGE_CALLS, RUNTIME_CALLS } from '../../cri/services/services.js';
import {
  type CallDescription,
  type FieldPath,
  leavesOf,
  pathText,
  withField,
} from '../cri/services/bad-input/fields.js';
import { goodRequest, sample } from '../cri/services/bad-input/requests.js';

const NODE = { image: 'localhost/a', pod: 'a', stoppedPod: 'b', running: 'c', created: 'd' };
const VALUES: Readonly<Record<string, unknown>> = {
  string: '/a',
  bool: true,
  int32: 1,
  uint32: 1,
  int64: 1n,
  uint64: 1n,
};

/** Paths, as `pathText` writes them, of what the call reads of a good request with any one of its fields set. */
export async function fieldsRead(call: CallDescription): Promise<ReadonlySet<string>> {
  const read = new Set<string>();
  const codec = Reflect.get(api, call.request.name) as MessageCodec<object>;
  for (const path of leavesOf(call.request)) {
    const value = path.at(-1)?.resolvedType instanceof protobuf.Enum ? 1 : VALUES[path.at(-1)?.type ?? ''];
    const partial = withField(goodRequest(call.name, NODE), path, value, sample);
    const request = decodeMessage(codec, encodeMessage(codec, partial));
    await run(call.name, recording(call.request, request, [], read));
  }
  return read;
}

/** Calls the handler with a node that answers anything; what it refuses or trips over is of no interest here. */
async function run(name: string, request: object): Promise<void> {
  const key = propertyName(name);
  const handler: unknown = Reflect.get(RUNTIME_CALLS, key) ?? Reflect.get(IMAGE_CALLS, key);
  if (typeof handler !== 'function') throw new Error(`${name} has no handler`);
  try {
    const answer: unknown = handler(ANYTHING, request, AbortSignal.abort());
    if (isStream(answer)) await answer.next();
    else await answer;
  } catch {
    // Fields are read before anything is done with them.
  }
}

function isStream(answer: unknown): answer is AsyncGenerator<unknown> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer;
}

/** Called, or asked for any of its properties, it gives itself; it is an empty list and the number 0. */
const ANYTHING: object = new Proxy(() => ANYTHING, {
  get: (_, key) => {
    if (key === Symbol.iterator) return () => [].values();
    if (key === Symbol.toPrimitive) return () => 0;
    return key === 'then' || typeof key === 'symbol' ? undefined : ANYTHING;
  },
});

function recording(type: protobuf.Type, message: object, above: FieldPath, read: Set<string>): object {
  const fields = new Map(type.fieldsArray.map((field) => [propertyName(field.name), field]));
  return new Proxy(message, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      const field = fields.get(String(key));
      if (field === undefined) return value;
      const path = [...above, field];
      read.add(pathText(path));
      const wrap = (inner: unknown) =>
        field.resolvedType instanceof protobuf.Type && typeof inner === 'object' && inner !== null
          ? recording(field.resolvedType, inner, path, read)
          : inner;
      return Array.isArray(value) ? value.map(wrap) : wrap(value);
    },
  });
}
