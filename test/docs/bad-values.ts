/** Which field of which message each bad request of the tests is about. */

import protobuf from 'protobufjs';
import { CALLS, type FieldPath, pathText } from '../cri/services/bad-input/fields.js';
import { ROWS } from '../cri/services/bad-input/rows.js';

/** `MESSAGE.field` to the number of rows whose answer must name it. */
export function countBadValues(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, request } of CALLS) {
    const paths = allPaths(request).map((path) => ({ path, text: plain(pathText(path)) }));
    for (const row of ROWS) {
      if (row.call !== name || row.names === '') continue;
      const named = plain(row.names);
      const found = paths.find(({ text }) => text === named || text.endsWith(`.${named}`));
      const field = found?.path.at(-1);
      if (field === undefined) continue;
      const key = `${field.parent?.name}.${field.name}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function allPaths(type: protobuf.Type, above: FieldPath = []): FieldPath[] {
  return type.fieldsArray.flatMap((field) => {
    const path = [...above, field];
    const { resolvedType } = field;
    return [path, ...(resolvedType instanceof protobuf.Type ? allPaths(resolvedType, path) : [])];
  });
}

/** Without indexes and keys, which differ between rows and descriptors. */
function plain(text: string): string {
  return text.replace(/\[(\d+|"[^\]]*")\]/g, '').replace(/ key$/, '');
}
