import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import protobuf from 'protobufjs';
import * as api from '../../../cri/api/generated/index.js';
import { API_FOLDER } from '../../../cri/api/generator/main.js';
import { propertyName, readProtos } from '../../../cri/api/generator/protos.js';
import {
  DecodeError,
  decodeMessage,
  encodedMessage,
  encodeMessage,
  type MessageCodec,
  mergedMessage,
} from '../../../cri/api/wire.js';

const { ContainerMetrics, Metric } = api;

const files = readProtos(API_FOLDER);
const types = files.flatMap((file) => file.messages);

function codecOf(name: string): MessageCodec<object> {
  const codec: unknown = Reflect.get(api, name);
  assert.ok(typeof codec === 'object' && codec !== null && 'decode' in codec, name);
  return codec as MessageCodec<object>;
}

const SAMPLES: Readonly<Record<string, unknown>> = {
  string: 'zażółć 漢字 🐘',
  bytes: Buffer.from([0, 255, 128]),
  bool: true,
  double: -1.5e300,
  int32: -2147483648,
  uint32: 4294967295,
  int64: -9223372036854775808n,
  uint64: 18446744073709551615n,
};

/** A message with every field set, in our form (`ours`) or in that of protobufjs' reflection. */
function sample(type: protobuf.Type, ours: boolean): Record<string, unknown> {
  const entries = type.fieldsArray.map((field): [string, unknown] => {
    let value: unknown;
    if (field instanceof protobuf.MapField) value = { '': 'empty key', key: 'välue', constructor: '' };
    else if (field.resolvedType instanceof protobuf.Type) value = sample(field.resolvedType, ours);
    else if (field.resolvedType instanceof protobuf.Enum) value = Object.values(field.resolvedType.values).at(-1);
    else value = SAMPLES[field.type];
    if (!ours && typeof value === 'bigint') value = value.toString();
    if (field.repeated && !(field instanceof protobuf.MapField)) value = [value, value];
    return [ours ? propertyName(field.name) : field.name, value];
  });
  return Object.fromEntries(entries);
}

describe('every message', () => {
  test('what we write protobufjs reads, and the other way round', () => {
    for (const type of types) {
      const codec = codecOf(type.name);
      const ours = sample(type, true);
      const encoded = encodeMessage(codec, ours);
      const reference = Buffer.from(type.encode(type.fromObject(sample(type, false))).finish());
      const options = { longs: String, enums: Number, bytes: Buffer } as const;
      const read = type.toObject(type.decode(encoded), options);
      assert.deepEqual(read, type.toObject(type.decode(reference), options), type.name);
      const plain = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v));
      assert.equal(plain(decodeMessage(codec, reference)), plain(decodeMessage(codec, encoded)));
      assert.deepEqual(
        decodeMessage(codec, encodeMessage(codec, decodeMessage(codec, encoded))),
        decodeMessage(codec, encoded),
        type.name,
      );
    }
  });

  test('cut off anywhere it is an error or a shorter message, never a crash', () => {
    for (const type of types) {
      const codec = codecOf(type.name);
      const encoded = encodeMessage(codec, sample(type, true));
      for (let length = 0; length < encoded.length; length += Math.ceil(encoded.length / 200)) {
        try {
          decodeMessage(codec, encoded.subarray(0, length));
        } catch (error) {
          assert.ok(error instanceof DecodeError, `${type.name}: ${error}`);
        }
      }
    }
  });
});

test('absent fields get their defaults', () => {
  const request = decodeMessage(api.StopContainerRequest, Buffer.alloc(0));
  assert.deepEqual(request, { containerId: '', timeout: 0n });
  assert.equal(decodeMessage(api.RunPodSandboxRequest, Buffer.alloc(0)).config, undefined);
  assert.equal(encodeMessage(api.StopContainerRequest, { containerId: '', timeout: 0n }).length, 0);
});

test('64 bit integers keep every bit', () => {
  for (const value of [1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 0xffffffffn, 0x100000000n]) {
    const bytes = encodeMessage(api.Int64Value, { value });
    assert.equal(decodeMessage(api.Int64Value, bytes).value, value);
  }
});

test('a map key __proto__ is a key like any other', () => {
  const labels = JSON.parse('{"__proto__": "x", "a": "b"}') as Record<string, string>;
  const decoded = decodeMessage(api.PodSandboxConfig, encodeMessage(api.PodSandboxConfig, { labels }));
  assert.deepEqual(Object.entries(decoded.labels).sort(), Object.entries(labels).sort());
  assert.equal(Object.getPrototypeOf(decoded.labels), Object.prototype);
});

test('invalid UTF-8 is refused, with the path of the field', () => {
  const bad = Buffer.from([0xc3, 0x28]);
  const nested = (tag: number, inner: Buffer) => Buffer.concat([Buffer.from([tag, inner.length]), inner]);
  const metadata = nested(10, nested(10, nested(10, bad)));
  assert.throws(() => decodeMessage(api.RunPodSandboxRequest, metadata), {
    field: 'config.metadata.name',
    message: 'config.metadata.name: not valid UTF-8',
  });
  const mount = nested(18, nested(58, nested(10, bad)));
  assert.throws(() => decodeMessage(api.CreateContainerRequest, mount), { field: 'config.mounts[0].container_path' });
  const label = nested(10, nested(50, Buffer.concat([nested(10, Buffer.from('k')), nested(18, bad)])));
  assert.throws(() => decodeMessage(api.RunPodSandboxRequest, label), { field: 'config.labels["k"]' });
});

test('what is malformed is a DecodeError', () => {
  const cases: [string, number[]][] = [
    ['field number 0', [0]],
    ['a length beyond the message', [10, 200]],
    ['a field beyond the message it is in', [10, 2, 34, 5, 1, 2, 3, 4, 5]],
    ['groups without end', Array(5000).fill(11)],
    ['a stray end of group', [12]],
    ['a number of eleven bytes', [16, ...Array(11).fill(255)]],
    ['a number that ends early', [16, 255]],
    ['wire type 7', [15]],
  ];
  for (const [name, bytes] of cases) {
    assert.throws(() => decodeMessage(api.StopContainerRequest, Buffer.from(bytes)), DecodeError, name);
    assert.throws(() => decodeMessage(api.RunPodSandboxRequest, Buffer.from(bytes)), DecodeError, name);
  }
});

test('fields of a later CRI are passed over', () => {
  const later = Buffer.concat([
    Buffer.from([0xfa, 0x7f, 1, 9]),
    encodeMessage(api.StopContainerRequest, { containerId: 'x' }),
  ]);
  assert.equal(decodeMessage(api.StopContainerRequest, later).containerId, 'x');
});

test('random bytes never crash a decoder', () => {
  let seed = 1;
  const next = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed >> 16;
  };
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(Array.from({ length: next() % 60 }, () => next() & 255));
    try {
      if (round % 2 === 0) decodeMessage(api.CreateContainerRequest, bytes);
      else decodeMessage(api.RunPodSandboxRequest, bytes);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  }
});

test('a message in parts is encoded as the message that they make', () => {
  const base = encodedMessage(Metric, { timestamp: 7n, labelValues: ['a', 'b'] });
  const parts = mergedMessage<api.Metric>([
    { name: 'm', metricType: 1 },
    base,
    { labelValues: ['c'], value: { value: 5n } },
  ]);
  const whole = { name: 'm', metricType: 1, timestamp: 7n, labelValues: ['a', 'b', 'c'], value: { value: 5n } };
  assert.deepEqual(decodeMessage(Metric, encodeMessage(Metric, parts)), whole);
  const inAnother = encodeMessage(ContainerMetrics, { containerId: 'id', metrics: [parts, whole] });
  assert.deepEqual(decodeMessage(ContainerMetrics, inAnother), { containerId: 'id', metrics: [whole, whole] });
});
