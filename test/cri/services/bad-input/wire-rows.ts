/** Bad bytes, for every call: what no client's protobuf library would send. */

import { MAX_MESSAGE_BYTES } from '../../../../cri/call.js';
import { CALLS, type CallDescription, encodedField, type FieldPath, isMap, leavesOf, pathText } from './fields.js';
import type { Row } from './row.js';

const NOT_UTF8 = Buffer.from([0x6f, 0x6b, 0xc3, 0x28]);

const MALFORMED: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['a field that is longer than the message', Buffer.from([0x7a, 100, 1])],
  ['the number of a field cut off', Buffer.from([0xff])],
  ['field number 0', Buffer.from([0x00, 0x01])],
  ['a wire type that does not exist', Buffer.from([0x7f])],
  ['a group that does not end', Buffer.from([0x7b])],
];

export const WIRE_ROWS: readonly Row[] = CALLS.flatMap((call) => [
  ...MALFORMED.map(([what, bytes]) => row(call, what, bytes, 'malformed message')),
  { ...row(call, 'more than 16 MiB', Buffer.alloc(MAX_MESSAGE_BYTES + 1), ''), answer: 'RESOURCE_EXHAUSTED' } as const,
  ...leavesOf(call.request)
    .filter((path) => path.at(-1)?.type === 'string')
    .flatMap((path) => notUtf8(call, path)),
]);

function notUtf8(call: CallDescription, path: FieldPath): Row[] {
  const field = pathText(path);
  const value = row(call, `invalid UTF-8 in ${field}`, encodedField(path, NOT_UTF8), field);
  if (!path.some(isMap)) return [value];
  const map = field.replace('["k"]', ' key');
  return [value, row(call, `invalid UTF-8 in ${map}`, encodedField(path, NOT_UTF8, true), map)];
}

function row(call: CallDescription, what: string, bytes: Buffer, names: string): Row {
  return { call: call.name, what, request: () => bytes, answer: 'INVALID_ARGUMENT', names };
}
