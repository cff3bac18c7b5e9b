import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkField, decodeField, encodeField, fieldInitial, fieldType } from '../../../../cri/api/generator/fields.js';
import { protosOf } from './protos-of.js';

function fieldOf(declaration: string) {
  const [file] = protosOf({ a: `message M { ${declaration} } message Other { string s = 1; } enum E { ZERO = 0; }` });
  const field = file?.messages.find(({ name }) => name === 'M')?.fieldsArray[0];
  assert.ok(field !== undefined);
  return field;
}

test('a message may be absent, nothing else: what was not sent is its default', () => {
  for (const [declaration, type, initial] of [
    ['Other x = 1;', 'Other | undefined', 'undefined'],
    ['repeated Other x = 1;', 'Other[]', '[]'],
    ['map<string, string> x = 1;', 'Record<string, string>', '{}'],
    ['int64 x = 1;', 'bigint', '0n'],
    ['uint32 x = 1;', 'number', '0'],
    ['E x = 1;', 'E', '0'],
    ['repeated string x = 1;', 'string[]', '[]'],
    ['bytes x = 1;', 'Uint8Array', 'new Uint8Array(0)'],
  ] as const) {
    const field = fieldOf(declaration);
    assert.deepEqual([fieldType(field), fieldInitial(field)], [type, initial], declaration);
  }
});

test('a tag is the number of the field and its wire type (protobuf’s encoding, "Message Structure")', () => {
  for (const [declaration, tag] of [
    ['int32 x = 1;', 8],
    ['string x = 1;', 10],
    ['double x = 1;', 9],
    ['Other x = 2;', 18],
    ['bool x = 536870911;', 4_294_967_288],
  ] as const) {
    const field = fieldOf(declaration);
    assert.match(encodeField(field), new RegExp(`\\b${tag}\\b`), declaration);
    assert.equal(decodeField(field)[0], `case ${tag}:`);
  }
});

test('repeated numbers are read packed and one by one, whichever a client sends', () => {
  const cases = decodeField(fieldOf('repeated int64 x = 3;')).filter((line) => line.startsWith('case'));
  assert.deepEqual(cases, ['case 24:', 'case 26:']);
});

test('what the CRI does not use is refused by name, rather than written wrongly', () => {
  for (const declaration of ['sint32 x = 1;', 'fixed64 x = 1;', 'repeated bool x = 1;', 'map<string, int32> x = 1;']) {
    assert.throws(
      () => encodeField(fieldOf(declaration)) + fieldType(fieldOf(declaration)),
      /M\.x: .* is not supported/,
    );
  }
  for (const declaration of ['optional int32 x = 1;', 'oneof choice { string x = 1; }']) {
    assert.throws(() => checkField(fieldOf(declaration)), /M\.x: optional or oneof is not supported/);
  }
});
