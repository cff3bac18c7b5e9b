/** docs/api-fields.yaml: what crib makes of each field of each request; and docs/api.md, which is made of it. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type protobuf from 'protobufjs';
import { parse } from 'yaml';
import { CALLS, messagesOf } from '../cri/services/bad-input/fields.js';
import { unimplementedCalls } from '../cri/services/bad-input/unimplemented.js';

export const DOCS = path.resolve(import.meta.dirname, '../../../docs');
export const VERDICTS = ['honoured', 'refused', 'ignored'] as const;

export interface Entry {
  /** One of VERDICTS, if the file is right. */
  readonly verdict: string;
  /** How it is honoured, or why it is not. */
  readonly text: string;
  /** A test file below test/ without `.test.ts`, or `critest, SPEC`; empty where nothing shows it. */
  readonly shownBy: string;
}

/** Fields to entries; one entry for a message that is treated as a whole. */
export type Entries = Entry | ReadonlyMap<string, Entry>;

export interface ApiFields {
  readonly calls: ReadonlyMap<string, Entries>;
  readonly messages: ReadonlyMap<string, Entries>;
}

/** The messages that requests hold at any depth, in the order of the services; without the requests themselves. */
export function nestedMessages(): protobuf.Type[] {
  const requests = new Set(CALLS.map(({ request }) => request));
  const all = CALLS.flatMap(({ request }) => [...messagesOf(request)]);
  return [...new Set(all)].filter((message) => !requests.has(message));
}

export function readApiFields(): ApiFields {
  const file = parse(readFileSync(path.join(DOCS, 'api-fields.yaml'), 'utf8')) as Record<'calls' | 'messages', object>;
  const entriesOf = (value: unknown): Entries => {
    if (typeof value === 'string') return entryOf(value);
    const fields = Object.entries((value ?? {}) as Record<string, string>);
    return new Map(fields.map(([name, line]) => [name, entryOf(line)]));
  };
  const section = (value: object) =>
    new Map(Object.entries(value).map(([name, entries]) => [name, entriesOf(entries)]));
  return { calls: section(file.calls), messages: section(file.messages) };
}

function entryOf(line: string): Entry {
  const [verdict = '', text = '', shownBy = ''] = line.split(' | ').map((cell) => cell.trim().replace(/^""$/, ''));
  return { verdict, text, shownBy };
}

const HEAD = `# The calls of the CRI (cri-api v0.36.0)

Made of \`docs/api-fields.yaml\` by \`npm run docs\`; a test holds it against the descriptors, the services and the table of bad
requests. For every field of every request: whether it is honoured, refused, or ignored on purpose, and what shows it (a test
file below \`test/\`, or a spec of critest). Last, how many bad values of it the tests send (\`test/cri/services/bad-input\`).

A message that is in several requests is listed once, under its own name, below the requests.
`;

/** The text of docs/api.md. `badValues` tells for `MESSAGE.field` how many rows name it. */
export function render(fields: ApiFields, badValues: ReadonlyMap<string, number>): string {
  const missing = unimplementedCalls();
  const rows = [['request or message', 'field', 'crib', 'how, or why', 'shown by', 'bad values']];
  rows.push(rows[0]?.map(() => '---') ?? []);
  for (const { name, request } of CALLS) {
    const title = missing.has(name) ? `**${name}** (UNIMPLEMENTED yet)` : `**${name}**`;
    rows.push(...rowsOf(title, request, fields.calls.get(name), badValues));
  }
  for (const message of nestedMessages()) {
    rows.push(...rowsOf(message.name, message, fields.messages.get(message.name), badValues));
  }
  const later = missing.size === 0 ? 'All calls are implemented.' : `UNIMPLEMENTED yet: ${[...missing].join(', ')}.`;
  const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `${HEAD}\n${later}\n\n${table}\n`;
}

function rowsOf(
  title: string,
  message: protobuf.Type,
  entries: Entries | undefined,
  badValues: ReadonlyMap<string, number>,
): string[][] {
  if (message.fieldsArray.length === 0) return [[title, '', '', 'has no fields', '', '']];
  return message.fieldsArray.map((field, index) => {
    const entry = entries instanceof Map ? entries.get(field.name) : (entries as Entry | undefined);
    const { verdict = '', text = '', shownBy = '' } = entry ?? {};
    const count = badValues.get(`${message.name}.${field.name}`) ?? 0;
    const first = index === 0 ? title : '';
    return [first, `\`${field.name}\``, verdict, text, shownBy, count === 0 ? '' : String(count)];
  });
}
