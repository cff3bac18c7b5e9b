import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { gunzip } from '../../../../runtime/images/unpack/gunzip.js';

const PLAIN = Buffer.concat([randomBytes(5000), Buffer.alloc(3_000_000, 'some text '), randomBytes(5000)]);
const MEMBER = zlib.gzipSync(PLAIN);

/** Decompresses `blob` that comes in pieces of so many bytes, of which each holds only until the next is asked for. */
async function through(blob: Buffer, size: number): Promise<Buffer> {
  const piece = Buffer.alloc(size);
  function* pieces(): Generator<Buffer, undefined> {
    for (let at = 0; at < blob.length; at += size) {
      piece.fill(0xee);
      yield piece.subarray(0, blob.copy(piece, 0, at, at + size));
    }
  }
  const more = pieces();
  const taken: Buffer[] = [];
  await gunzip(more.next().value ?? Buffer.alloc(0), more, (chunk) => taken.push(Buffer.from(chunk)));
  return Buffer.concat(taken);
}

/** Sizes of pieces with which ends fall into each other's pieces in every way. */
function sizes(blob: Buffer): number[] {
  const around = [MEMBER.length - 9, MEMBER.length - 8, MEMBER.length - 7, MEMBER.length, MEMBER.length + 1];
  return [1009, ...around, blob.length, blob.length + 1];
}

test('one member, and several after it, wherever pieces end', async () => {
  const small = zlib.gzipSync('the end');
  const several = Buffer.concat([MEMBER, MEMBER, small]);
  for (const size of sizes(MEMBER)) assert.ok((await through(MEMBER, size)).equals(PLAIN), `${size}`);
  const whole = Buffer.concat([PLAIN, PLAIN, Buffer.from('the end')]);
  for (const size of sizes(several)) assert.ok((await through(several, size)).equals(whole), `${size}`);
  for (const size of [1, 2, 9, 10, 11, small.length - 1])
    assert.equal((await through(small, size)).toString(), 'the end');
});

test('every header: with a name, a comment, an extra field, a checksum of its own', async () => {
  const body = MEMBER.subarray(10);
  const named = execFileSync('gzip', ['-N', '-c', '-1', '/etc/passwd']);
  assert.ok((await through(named, 5000)).equals(fs.readFileSync('/etc/passwd')));
  const start = (flags: number) => Buffer.of(0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3);
  const name = Buffer.from('layer.tar\0');
  const extra = Buffer.from('\x04\0abcd', 'latin1');
  for (const [flags, ...fields] of [
    [8, name],
    [16, name],
    [4, extra],
    [28, extra, name, name],
    [9, name],
  ] as const) {
    const blob = Buffer.concat([start(flags), ...fields, body]);
    for (const size of [7, 12, 15, 1 << 20]) assert.ok((await through(blob, size)).equals(PLAIN), `${flags}, ${size}`);
  }
});

test('zeros may follow, and nothing else', async () => {
  for (const size of [1009, 1 << 20]) {
    assert.ok((await through(Buffer.concat([MEMBER, Buffer.alloc(3000)]), size)).equals(PLAIN));
    assert.ok(
      (await through(Buffer.concat([MEMBER, MEMBER, Buffer.alloc(3000)]), size)).equals(Buffer.concat([PLAIN, PLAIN])),
    );
    await assert.rejects(through(Buffer.concat([MEMBER, Buffer.alloc(3000, 'x')]), size), { code: 'DATA_LOSS' });
  }
});

test('what is cut off or damaged is DATA_LOSS, in the words of zlib', async () => {
  const damaged = Buffer.from(MEMBER);
  damaged.fill(0xff, 100, 2000);
  for (const blob of [MEMBER.subarray(0, -9), MEMBER.subarray(0, 11), MEMBER.subarray(0, 4), damaged]) {
    for (const size of [1009, 1 << 20]) {
      await assert.rejects(through(blob, size), { code: 'DATA_LOSS', message: /decompress a layer: / });
    }
  }
});

test('what the taker throws comes out as it is', async () => {
  const refusal = new Error('refused');
  const none = [][Symbol.iterator]() as Iterator<Buffer, undefined>;
  await assert.rejects(
    gunzip(MEMBER, none, () => {
      throw refusal;
    }),
    refusal,
  );
});
