/** Bad values, derived from the type of each field: an id that is none, a NUL byte, a number no enum has, the least integer. */

import protobuf from 'protobufjs';
import { CALLS, type CallDescription, type FieldPath, leavesOf, pathText, withField } from './fields.js';
import { goodRequest, sample } from './requests.js';
import type { Answer, Row } from './row.js';

const IDS = new Set(['pod_sandbox_id', 'container_id', 'target_id', 'id']);

const NO_IDS: readonly (readonly [what: string, id: string])[] = [
  ['an id that climbs', '../../etc'],
  ['an id that is a directory', '..'],
  ['an id with a slash', 'a/b'],
  ['an id with a NUL', 'a\0b'],
  ['an id of 10,000 characters', 'a'.repeat(10_000)],
];

/** Calls for which what is not there is no error (CRI: idempotent, or a filter that finds nothing). */
const IDEMPOTENT = new Set(['StopPodSandbox', 'RemovePodSandbox', 'StopContainer', 'RemoveContainer']);

/**
 * Text that reaches no path, argument list or file: any that is UTF-8 is taken (names of fields; a `*` is any call or
 * any way to the field).
 */
const ANY_TEXT: readonly RegExp[] = [
  /(^|\.)(labels|annotations|label_selector)\["k"\]$/,
  /(^|\.)(user_specified_image|runtime_handler|image_ref)$/,
  /^auth\./,
  /^version$/,
  /^runtime_config\./,
];

/** Messages that are refused, or will be looked at, as a whole: a bad value inside may be answered by naming them. */
const AS_A_WHOLE = /\b(windows|CDI_devices|userns_options|mounts\[0\]\.image|run_as_user|run_as_group)\b.*$/;

const LEAST: Readonly<Record<string, unknown>> = { int32: -(2 ** 31), int64: -(2n ** 63n) };

export const FIELD_ROWS: readonly Row[] = CALLS.flatMap((call) =>
  leavesOf(call.request)
    // Of the pod that an image is pulled for nothing is used.
    .filter((path) => call.name !== 'PullImage' || path[0]?.name !== 'sandbox_config')
    .flatMap((path) => badValues(call, path)),
);

function badValues(call: CallDescription, path: FieldPath): Row[] {
  const field = path.at(-1);
  if (field === undefined) return [];
  const text = pathText(path);
  const names = text.replace(AS_A_WHOLE, '$1');
  const row = (what: string, value: unknown, answer: Answer = 'INVALID_ARGUMENT', named = names): Row => ({
    call: call.name,
    what: `${what} in ${text}`,
    request: (node) => withField(goodRequest(call.name, node), path, value, sample),
    answer,
    names: named,
  });
  if (field.resolvedType instanceof protobuf.Enum) return [row('an unknown number', 99), row('a negative number', -1)];
  const least = LEAST[field.type];
  if (least !== undefined) return [row('the least integer', least)];
  if (field.type !== 'string') return [];
  if (IDS.has(field.name)) return badIds(call, path, row);
  return ANY_TEXT.some((pattern) => pattern.test(text)) ? [] : [row('a NUL byte', 'a\0b')];
}

function badIds(
  call: CallDescription,
  path: FieldPath,
  row: (what: string, value: unknown, answer?: Answer, named?: string) => Row,
): Row[] {
  const bad = NO_IDS.map(([what, id]) => row(what, id));
  // Only with the mode TARGET an id in namespace_options is looked up; a filter that finds nothing is no error.
  if (path.length > 1) return bad;
  const what = path[0]?.name === 'pod_sandbox_id' ? 'there is no pod with the id' : 'there is no container with the id';
  const unknown = IDEMPOTENT.has(call.name)
    ? row('an unknown id', 'nowhere', 'OK', '')
    : row('an unknown id', 'nowhere', 'NOT_FOUND', what);
  return [...bad, row('nothing', ''), unknown];
}
