import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { Writer } from '../../../cri/api/writer.js';

/** Protobufjs' own writer says what is right. */
function same(write: (writer: Pick<Writer, 'uint32' | 'int32' | 'string' | 'bytes' | 'double' | 'bool'>) => unknown) {
  const ours = new Writer();
  const reference = protobuf.Writer.create();
  write(ours);
  write(reference as unknown as Writer);
  assert.deepEqual(ours.finish(), Buffer.from(reference.finish()));
}

test('numbers, at the borders of their lengths', () => {
  const borders = [0, 1, 127, 128, 16_383, 16_384, 2 ** 21 - 1, 2 ** 21, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
  for (const value of borders) same((writer) => writer.uint32(value));
  for (const value of [0, 1, -1, -128, 2 ** 31 - 1, -(2 ** 31)]) same((writer) => writer.int32(value));
  for (const value of [0, -0, 1.5, -1e300, Number.NaN, Number.POSITIVE_INFINITY])
    same((writer) => writer.double(value));
  same((writer) => writer.bool(true));
  same((writer) => writer.bool(false));
});

test('64 bits by their halves', () => {
  for (const value of [
    0n,
    1n,
    127n,
    128n,
    2n ** 28n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 35n,
    2n ** 63n,
    2n ** 64n - 1n,
  ]) {
    const [low, high] = [Number(value & 0xffff_ffffn), Number(value >> 32n)];
    const ours = new Writer().varint64(low, high).finish();
    assert.deepEqual(
      ours,
      Buffer.from(protobuf.Writer.create().uint64({ low, high, unsigned: true }).finish()),
      `${value}`,
    );
  }
});

test('strings and bytes whose length takes one byte and more', () => {
  for (const length of [0, 1, 42, 43, 47, 48, 49, 127, 128, 16_383, 16_384, 70_000, 2 ** 21]) {
    for (const letter of ['a', 'ż', '漢']) same((writer) => writer.string(letter.repeat(length)));
    same((writer) => writer.string(`${'a'.repeat(length)}🐘`));
    same((writer) => writer.bytes(Buffer.alloc(length, 7)));
  }
});

test('messages in messages, of every length', () => {
  for (const length of [0, 100, 127, 128, 16_000, 16_384, 2 ** 21]) {
    const nested = (writer: Writer | protobuf.Writer) => {
      writer.fork().uint32(10).string('before');
      writer.uint32(18).fork().uint32(10).string('x'.repeat(length)).ldelim();
      return writer.uint32(26).string('after').ldelim().finish();
    };
    assert.deepEqual(nested(new Writer()), Buffer.from(nested(protobuf.Writer.create())));
  }
});

test('what is open must have been begun', () => {
  assert.throws(() => new Writer().ldelim(), /without a fork/);
});
