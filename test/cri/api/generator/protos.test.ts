import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonName, propertyName, typeName } from '../../../../cri/api/generator/protos.js';
import { protosOf } from './protos-of.js';

test('a property is protoc’s JSON name with a small first letter, also of what is all capitals', () => {
  for (const [name, json, property] of [
    ['pod_sandbox_id', 'podSandboxId', 'podSandboxId'],
    ['CDI_devices', 'CDIDevices', 'cdiDevices'],
    ['CDI', 'CDI', 'cdi'],
    ['Type', 'Type', 'type'],
    ['ipv4_2', 'ipv42', 'ipv42'],
    ['trailing_', 'trailing', 'trailing'],
  ] as const) {
    assert.deepEqual([jsonName(name), propertyName(name)], [json, property], name);
  }
});

test('what a file declares is its own, and a type may be in a file that is read later', () => {
  const [first, second] = protosOf({
    a: 'message A { B b = 1; enum Kind { X = 0; } Kind kind = 2; }',
    b: 'message B { A a = 1; } enum Free { Y = 0; } service S { rpc Do(A) returns (B) {} }',
  });
  const names = (list: readonly { name: string }[] = []) => list.map(({ name }) => name);
  assert.deepEqual([first?.name, names(first?.messages), names(first?.services)], ['a', ['A'], []]);
  assert.deepEqual([names(second?.messages), names(second?.services)], [['B'], ['S']]);
  assert.deepEqual(first?.enums.map(typeName), ['A_Kind']);
  assert.deepEqual(second?.enums.map(typeName), ['Free']);
});

test('a type that is nowhere is an error', () => {
  assert.throws(() => protosOf({ a: 'message A { Missing m = 1; }' }), /Missing/);
});
