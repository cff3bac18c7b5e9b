import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import protobuf from 'protobufjs';
import { CALLS, type FieldPath, pathText } from '../cri/services/bad-input/fields.js';
import { unimplementedCalls } from '../cri/services/bad-input/unimplemented.js';
import { DOCS, type Entries, type Entry, nestedMessages, readApiFields, render, VERDICTS } from './api-fields.js';
import { countBadValues } from './bad-values.js';
import { fieldsRead } from './reads.js';

const fields = readApiFields();
const badValues = countBadValues();

const described: readonly (readonly [name: string, type: protobuf.Type, entries: Entries | undefined])[] = [
  ...CALLS.map(({ name, request }) => [name, request, fields.calls.get(name)] as const),
  ...nestedMessages().map((type) => [type.name, type, fields.messages.get(type.name)] as const),
];

const isWhole = (entries: Entries | undefined): entries is Entry => entries !== undefined && !(entries instanceof Map);

function entryOf(field: protobuf.Field): Entry | undefined {
  const found = described.find(([, type]) => type === field.parent);
  const entries = found?.[2];
  return isWhole(entries) ? entries : entries?.get(field.name);
}

/** The paths of a request down to where a field is not honoured: nothing below such a field is looked at. */
function honouredPaths(type: protobuf.Type, above: FieldPath = []): FieldPath[] {
  return type.fieldsArray.flatMap((field) => {
    const path = [...above, field];
    const { verdict = '', text = '' } = entryOf(field) ?? {};
    if (verdict === 'ignored') return [];
    const { resolvedType } = field;
    const deeper = verdict === 'honoured' && !text.startsWith('only its ') && resolvedType instanceof protobuf.Type;
    return [path, ...(deeper ? honouredPaths(resolvedType, path) : [])];
  });
}

describe('docs/api-fields.yaml', () => {
  it('has every call, every message of a request and every field of it, and nothing else', () => {
    const named = (section: ReadonlyMap<string, Entries>) => [...section.keys()].sort();
    assert.deepEqual(named(fields.calls), CALLS.map(({ name }) => name).sort());
    assert.deepEqual(
      named(fields.messages),
      nestedMessages()
        .map(({ name }) => name)
        .sort(),
    );
    for (const [name, type, entries] of described) {
      if (isWhole(entries)) continue;
      const expected = type.fieldsArray.map((field) => field.name);
      assert.deepEqual([...(entries?.keys() ?? [])].sort(), expected.sort(), name);
    }
  });

  it('has a verdict for each, with a reason where it is not honoured, and names only tests that exist', () => {
    for (const [name, , entries] of described) {
      const all: [string, Entry][] = isWhole(entries) ? [[name, entries]] : [...(entries ?? [])];
      for (const [field, { verdict, text, shownBy }] of all) {
        const at = `${name}.${field}`;
        assert.ok(
          VERDICTS.some((known) => known === verdict),
          `${at}: ${verdict} is no verdict`,
        );
        assert.ok(verdict === 'honoured' || text !== '', `${at} is ${verdict} without a reason`);
        assert.ok(
          shownBy === '' || shownBy.startsWith('critest, ') || existsTest(shownBy),
          `${at}: no test ${shownBy}`,
        );
      }
    }
  });

  it('treats a message as a whole only where each field that holds it is treated so', () => {
    for (const [name, type, entries] of described) {
      if (!isWhole(entries)) continue;
      const holders = described.flatMap(([, holder]) =>
        holder.fieldsArray.filter((field) => field.resolvedType === type),
      );
      for (const field of holders)
        assert.equal(entryOf(field)?.verdict, entries.verdict, `${field.fullName} and ${name}`);
    }
  });

  it('has a bad request that shows it for each field that is refused', () => {
    const unshown = described.flatMap(([, type, entries]) =>
      isWhole(entries)
        ? []
        : type.fieldsArray.filter((field) => entryOf(field)?.verdict === 'refused' && !shown(field)),
    );
    assert.deepEqual(
      unshown.map((field) => field.fullName),
      [],
    );
  });

  for (const call of CALLS) {
    it(`${call.name} reads what it is said to honour or refuse`, async () => {
      if (unimplementedCalls().has(call.name)) return;
      const read = await fieldsRead(call);
      const unread = honouredPaths(call.request)
        .map(pathText)
        .filter((path) => !read.has(path));
      assert.deepEqual(unread, []);
    });
  }

  it('docs/api.md is made of it', () => {
    const now = readFileSync(path.join(DOCS, 'api.md'), 'utf8');
    assert.ok(squeezed(now) === squeezed(render(fields, badValues)), 'docs/api.md is stale: run npm run docs');
  });
});

/** Without the spaces that line up the columns of a table. */
function squeezed(text: string): string {
  return text.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
}

function shown(field: protobuf.Field): boolean {
  return (badValues.get(`${field.parent?.name}.${field.name}`) ?? 0) > 0;
}

function existsTest(name: string): boolean {
  return existsSync(path.resolve(import.meta.dirname, '../../../test', `${name}.test.ts`));
}
