/** The fields of the requests, walked by their descriptors: nothing of a request can be forgotten. */

import protobuf from 'protobufjs';
import { API_FOLDER } from '../../../../cri/api/generator/main.js';
import { propertyName, readProtos } from '../../../../cri/api/generator/protos.js';

export interface CallDescription {
  /** `RunPodSandbox` */
  readonly name: string;
  /** `/runtime.v1.RuntimeService/RunPodSandbox` */
  readonly path: string;
  readonly stream: boolean;
  readonly request: protobuf.Type;
}

/** A field of a request, with the fields of the messages that it is in, outermost first. */
export type FieldPath = readonly protobuf.Field[];

export const CALLS: readonly CallDescription[] = readProtos(API_FOLDER)
  .flatMap((file) => file.services)
  .flatMap((service) =>
    service.methodsArray.map((method) => {
      const request = method.resolvedRequestType;
      if (request === null) throw new Error(`${method.name} has no request`);
      const path = `/${service.fullName.slice(1)}/${method.name}`;
      return { name: method.name, path, stream: method.responseStream === true, request };
    }),
  );

/** Every field that is no message itself, at any depth. */
export function leavesOf(type: protobuf.Type, above: FieldPath = []): FieldPath[] {
  return type.fieldsArray.flatMap((field) => {
    const path = [...above, field];
    return field.resolvedType instanceof protobuf.Type ? leavesOf(field.resolvedType, path) : [path];
  });
}

/** Every message that a request of this type may hold, itself included. */
export function messagesOf(type: protobuf.Type, found = new Set<protobuf.Type>()): Set<protobuf.Type> {
  if (found.has(type)) return found;
  found.add(type);
  for (const { resolvedType } of type.fieldsArray)
    if (resolvedType instanceof protobuf.Type) messagesOf(resolvedType, found);
  return found;
}

export function isMap(field: protobuf.Field): boolean {
  return field instanceof protobuf.MapField;
}

/** `config.mounts[0].host_path`, as messages name it: the first of a list, the key `k` of a map. */
export function pathText(path: FieldPath): string {
  return path.map((field) => field.name + (isMap(field) ? '["k"]' : field.repeated ? '[0]' : '')).join('.');
}

/** A copy of `base` where the field at `path` is `value`. Messages on the way that are missing are made by `sample`. */
export function withField(
  base: Record<string, unknown>,
  path: FieldPath,
  value: unknown,
  sample: (message: string, field: string) => Record<string, unknown>,
): Record<string, unknown> {
  const [field, ...rest] = path;
  if (field === undefined) return base;
  const name = propertyName(field.name);
  const wrap = (inner: unknown) => (isMap(field) ? { k: inner } : field.repeated ? [inner] : inner);
  if (!(field.resolvedType instanceof protobuf.Type)) return { ...base, [name]: wrap(value) };
  const present = [base[name]].flat()[0];
  const inner =
    typeof present === 'object' && present !== null
      ? { ...present }
      : sample(field.resolvedType.name, rest[0]?.name ?? '');
  return { ...base, [name]: wrap(withField(inner, rest, value, sample)) };
}

/** A request on the wire with nothing in it but the string `bytes` at `path`; in a map as a value, or as a key. */
export function encodedField(path: FieldPath, bytes: Buffer, asKey = false): Buffer {
  return path.reduceRight((inner, field) => {
    if (!isMap(field)) return delimited(field.id, inner);
    const key = asKey ? inner : Buffer.from('k');
    return delimited(field.id, Buffer.concat([delimited(1, key), delimited(2, asKey ? Buffer.alloc(0) : inner)]));
  }, bytes);
}

function delimited(id: number, bytes: Buffer): Buffer {
  const writer = new protobuf.Writer();
  return Buffer.from(
    writer
      .uint32(id * 8 + 2)
      .bytes(bytes)
      .finish(),
  );
}
