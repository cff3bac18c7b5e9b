/** Reads the `.proto` files with protobufjs (at development time only). */

import fs from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';

export const PACKAGE = 'runtime.v1';

/** What one file declares, in its order. Nested enums come with the message they are in. */
export interface ProtoFile {
  /** Without `.proto`. */
  readonly name: string;
  readonly messages: readonly protobuf.Type[];
  readonly enums: readonly protobuf.Enum[];
  readonly services: readonly protobuf.Service[];
}

/** Parses every `.proto` of `folder` into one root, so that a type may refer to another file's. */
export function readProtos(folder: string): ProtoFile[] {
  const root = new protobuf.Root();
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.proto'));
  const order = new Map<string, string>();
  for (const name of names.sort()) {
    const known = new Set(order.keys());
    protobuf.parse(fs.readFileSync(path.join(folder, name), 'utf8'), root, { keepCase: true });
    for (const object of declared(root)) {
      if (!known.has(object.name)) order.set(object.name, name.slice(0, -'.proto'.length));
    }
  }
  root.resolveAll();
  const objects = declared(root);
  return names.map((file) => {
    const name = file.slice(0, -'.proto'.length);
    const own = objects.filter((object) => order.get(object.name) === name);
    const messages = own.filter((object) => object instanceof protobuf.Type);
    const enums = own.filter((object) => object instanceof protobuf.Enum);
    return {
      name,
      messages,
      enums: [...enums, ...messages.flatMap((message) => nestedEnums(message))],
      services: own.filter((object) => object instanceof protobuf.Service),
    };
  });
}

function declared(root: protobuf.Root): protobuf.ReflectionObject[] {
  const namespace = root.lookup(PACKAGE);
  return namespace instanceof protobuf.Namespace ? namespace.nestedArray : [];
}

export function nestedEnums(message: protobuf.Type): protobuf.Enum[] {
  return message.nestedArray.filter((object) => object instanceof protobuf.Enum);
}

/** `SecurityProfile_ProfileType` for an enum inside a message, as Go names it. */
export function typeName(object: protobuf.ReflectionObject): string {
  return object.parent instanceof protobuf.Type ? `${object.parent.name}_${object.name}` : object.name;
}

/** protoc's rule for JSON names: an underscore goes, and the letter after it becomes a capital. */
export function jsonName(name: string): string {
  return name.replace(/_(.)?/g, (_, letter: string | undefined) => (letter ?? '').toUpperCase());
}

/** The property in TypeScript: the JSON name with a small first letter (`CDI_devices` is `cdiDevices`). */
export function propertyName(name: string): string {
  return jsonName(name).replace(/^[A-Z]+(?=[A-Z]|$|[0-9])|^[A-Z]/, (capitals) => capitals.toLowerCase());
}
