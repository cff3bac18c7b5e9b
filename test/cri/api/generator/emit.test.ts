import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emitAll } from '../../../../cri/api/generator/emit.js';
import { protosOf } from './protos-of.js';

const emitted = (files: Readonly<Record<string, string>>) => emitAll(protosOf(files));

test('a file imports what it uses of others: a message as a value, an enum as a type only', () => {
  const files = emitted({
    a: 'message A { B b = 1; Kind kind = 2; }',
    b: 'message B { string s = 1; } enum Kind { X = 0; }',
  });
  assert.match(files.get('a.ts') ?? '', /^import \{ B, type Kind \} from '\.\/b\.js';$/m);
  assert.doesNotMatch(files.get('b.ts') ?? '', /from '\.\/a\.js'/);
});

test('helpers are imported where they are used, and only there', () => {
  const files = emitted({
    a: 'message A { map<string, string> m = 1; }',
    b: 'message B { int32 i = 1; }',
    c: 'enum C { X = 0; }',
  });
  assert.match(files.get('a.ts') ?? '', /import \{ .*readMapEntry.*writeMap.* \} from '\.\.\/wire\.js';/);
  assert.doesNotMatch(files.get('b.ts') ?? '', /Map/);
  assert.doesNotMatch(files.get('c.ts') ?? '', /import/);
});

test('calls have their path, their types and their kind; the larger files know where they are', () => {
  const service = 'service S { rpc ListAll(A) returns (B) {} rpc Watch(A) returns (stream B) {} }';
  const files = emitted({ a: `message A { } message B { } ${service}` });
  const services = files.get('services.ts') ?? '';
  assert.match(services, /^ {2}listAll: unary\('runtime\.v1\.S', 'ListAll', A, B\),$/m);
  assert.match(services, /^ {2}watch: serverStream\('runtime\.v1\.S', 'Watch', A, B\),$/m);
  assert.match(files.get('index.ts') ?? '', /'\.\/a\.js'.*\n.*'\.\/services\.js'/);
});

test('a call that streams its requests, and a field that says whether it was set, are refused', () => {
  const streaming = { a: 'message A { } service S { rpc Up(stream A) returns (A) {} }' };
  assert.throws(() => emitted(streaming), /Up: streams of requests are not supported/);
  assert.throws(() => emitted({ a: 'message A { optional int64 limit = 1; }' }), /A\.limit: optional/);
});
