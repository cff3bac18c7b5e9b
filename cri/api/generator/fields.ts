/** How one field is typed, initialised, written and read in the generated code. */

import protobuf from 'protobufjs';
import { propertyName, typeName } from './protos.js';

const WIRE_TYPE: Readonly<Record<string, number>> = { double: 1, string: 2, bytes: 2 };

interface Scalar {
  readonly type: string;
  readonly initial: string;
  readonly read: string;
}

const SCALARS: Readonly<Record<string, Scalar>> = {
  string: { type: 'string', initial: "''", read: 'readString' },
  bytes: { type: 'Uint8Array', initial: 'new Uint8Array(0)', read: 'readBytes' },
  bool: { type: 'boolean', initial: 'false', read: 'readBool' },
  double: { type: 'number', initial: '0', read: 'readDouble' },
  int32: { type: 'number', initial: '0', read: 'readInt32' },
  uint32: { type: 'number', initial: '0', read: 'readUint32' },
  int64: { type: 'bigint', initial: '0n', read: 'readInt64' },
  uint64: { type: 'bigint', initial: '0n', read: 'readUint64' },
};

/** Throws for what the CRI does not use: whoever adds such a field adds its handling here, with a test. */
function unsupported(field: protobuf.Field, what: string): never {
  throw new Error(`${field.fullName}: ${what} is not supported by the generator`);
}

/** A field that says whether it was set, which only `optional` and `oneof` have, would lose that. */
export function checkField(field: protobuf.Field): protobuf.Field {
  return field.partOf === null ? field : unsupported(field, 'optional or oneof');
}

function scalarOf(field: protobuf.Field): Scalar {
  if (field.resolvedType instanceof protobuf.Enum) {
    return { type: typeName(field.resolvedType), initial: '0', read: 'readInt32' };
  }
  return SCALARS[field.type] ?? unsupported(field, `type ${field.type}`);
}

function isMap(field: protobuf.Field): boolean {
  if (!(field instanceof protobuf.MapField)) return false;
  if (field.keyType !== 'string' || field.type !== 'string') unsupported(field, 'a map of anything but strings');
  return true;
}

/** Names that the code of this field takes from other generated files. */
export function references(field: protobuf.Field): protobuf.ReflectionObject[] {
  return field.resolvedType === null ? [] : [field.resolvedType];
}

export function fieldType(field: protobuf.Field): string {
  if (isMap(field)) return 'Record<string, string>';
  const type = field.resolvedType instanceof protobuf.Type ? field.resolvedType.name : scalarOf(field).type;
  if (field.repeated) return `${type}[]`;
  return field.resolvedType instanceof protobuf.Type ? `${type} | undefined` : type;
}

export function fieldInitial(field: protobuf.Field): string {
  if (isMap(field)) return '{}';
  if (field.repeated) return '[]';
  return field.resolvedType instanceof protobuf.Type ? 'undefined' : scalarOf(field).initial;
}

function tagOf(field: protobuf.Field, wireType: number): number {
  return ((field.id << 3) | wireType) >>> 0;
}

function wireTypeOf(field: protobuf.Field): number {
  if (isMap(field) || field.resolvedType instanceof protobuf.Type) return 2;
  return WIRE_TYPE[field.type] ?? 0;
}

/** Statements that write the field of `m` to `w`, if it is not its default. */
export function encodeField(field: protobuf.Field): string {
  const value = `m.${propertyName(field.name)}`;
  const tag = tagOf(field, wireTypeOf(field));
  if (isMap(field)) return `if (${value} !== undefined) writeMap(w, ${tag}, ${value});`;
  if (field.resolvedType instanceof protobuf.Type) {
    const codec = field.resolvedType.name;
    if (!field.repeated) return `if (${value} !== undefined) writeMessage(w, ${tag}, ${codec}, ${value});`;
    return `for (const v of ${value} ?? []) writeMessage(w, ${tag}, ${codec}, v);`;
  }
  return field.repeated ? encodeRepeated(field, value) : encodeSingle(field, value, tag);
}

function encodeRepeated(field: protobuf.Field, value: string): string {
  const tag = tagOf(field, 2);
  if (field.type === 'string') return `for (const v of ${value} ?? []) w.uint32(${tag}).string(v);`;
  if (field.type === 'int64') return `if (${value} !== undefined) writeRepeated64(w, ${tag}, ${value});`;
  if (field.type === 'int32') return `if (${value} !== undefined) writeRepeatedInt32(w, ${tag}, ${value});`;
  return unsupported(field, `repeated ${field.type}`);
}

function encodeSingle(field: protobuf.Field, value: string, tag: number): string {
  switch (field.type) {
    case 'int64':
    case 'uint64':
      return `if (${value}) write64(w.uint32(${tag}), ${value});`;
    case 'bytes':
      return `if (${value} !== undefined && ${value}.length > 0) w.uint32(${tag}).bytes(${value});`;
    case 'double':
      return `if (${value} !== undefined && !Object.is(${value}, 0)) w.uint32(${tag}).double(${value});`;
    default: {
      const write = field.resolvedType instanceof protobuf.Enum ? 'int32' : field.type;
      return `if (${value}) w.uint32(${tag}).${write}(${value});`;
    }
  }
}

/** The cases of the decoder's switch for the field. */
export function decodeField(field: protobuf.Field): string[] {
  const property = `m.${propertyName(field.name)}`;
  const quoted = `'${field.name}'`;
  const one = (code: string) => [`case ${tagOf(field, wireTypeOf(field))}:`, `  ${code}`, '  break;'];
  if (isMap(field)) return one(`readMapEntry(r, ${quoted}, end, ${property});`);
  if (field.resolvedType instanceof protobuf.Type) {
    const codec = field.resolvedType.name;
    if (!field.repeated) return one(`${property} = readMessage(r, ${quoted}, end, ${codec});`);
    return one(`${property}.push(readElement(r, ${quoted}, ${property}.length, end, ${codec}));`);
  }
  const { read } = scalarOf(field);
  if (field.type === 'string' && field.repeated) {
    return one(`${property}.push(readString(r, \`${field.name}[\${${property}.length}]\`, end));`);
  }
  if (wireTypeOf(field) === 2) return one(`${property} = ${read}(r, ${quoted}, end);`);
  if (!field.repeated) return one(`${property} = ${read}(r);`);
  const packed = [`case ${tagOf(field, 2)}:`, `  readPacked(r, ${quoted}, end, ${property}, ${read});`, '  break;'];
  return [...one(`${property}.push(${read}(r));`), ...packed];
}
