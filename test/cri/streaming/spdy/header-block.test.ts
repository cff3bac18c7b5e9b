import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { DICTIONARY } from '../../../../cri/streaming/spdy/dictionary.js';
import { HeaderDecoder, HeaderEncoder, MAX_BLOCK_BYTES } from '../../../../cri/streaming/spdy/header-block.js';

const REAL = new Map([
  ['streamtype', 'stdin'],
  ['port', '80'],
]);

/** Blocks as a client compresses them: one deflate stream, flushed after each. */
function compressor() {
  const deflate = zlib.createDeflate({ dictionary: DICTIONARY, level: 9 });
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  return async (raw: Buffer): Promise<Buffer> => {
    deflate.write(raw);
    await new Promise<void>((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, resolve));
    return Buffer.concat(parts.splice(0));
  };
}

function raw(...texts: string[]): Buffer {
  const parts = texts.map((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  });
  const count = Buffer.alloc(4);
  count.writeUInt32BE(texts.length / 2);
  return Buffer.concat([count, ...parts]);
}

test('reads what a client compressed, block after block', async () => {
  const compress = compressor();
  const decoder = new HeaderDecoder();
  for (let index = 0; index < 5; index++) {
    const block = await compress(raw('streamtype', 'stdin', 'port', '80'));
    assert.deepEqual(await decoder.decode(block), REAL);
  }
});

test('what it writes is zlib with the dictionary, for any reader', async () => {
  const encoder = new HeaderEncoder();
  const decoder = new HeaderDecoder();
  const blocks = [encoder.encode(REAL), encoder.encode(new Map()), encoder.encode(REAL)];
  assert.deepEqual(await decoder.decode(blocks[0] ?? Buffer.alloc(0)), REAL);
  assert.deepEqual(await decoder.decode(blocks[1] ?? Buffer.alloc(0)), new Map());
  assert.deepEqual(await decoder.decode(blocks[2] ?? Buffer.alloc(0)), REAL);
  const options = { dictionary: DICTIONARY, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  assert.equal(
    zlib.inflateSync(Buffer.concat(blocks), options).length,
    2 * raw('streamtype', 'stdin', 'port', '80').length + 4,
  );
});

test('each block ends with a sync flush: Go’s inflater hands out nothing before', () => {
  const block = new HeaderEncoder().encode(new Map());
  assert.deepEqual([...block.subarray(-5)], [0, 0, 0, 0xff, 0xff]);
});

test('a block that inflates to too much ends it', async () => {
  const bomb = await compressor()(raw('a', 'x'.repeat(10 * MAX_BLOCK_BYTES)));
  assert.ok(bomb.length < MAX_BLOCK_BYTES);
  const decoder = new HeaderDecoder();
  await assert.rejects(decoder.decode(bomb), { name: 'SpdyError', message: /more than/ });
  await assert.rejects(decoder.decode(await compressor()(raw())), { name: 'SpdyError' });
});

const BROKEN: readonly (readonly [what: string, block: Buffer])[] = [
  ['a count without headers', Buffer.from([0, 0, 0, 9])],
  ['more headers than there may be', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['a name longer than the block', Buffer.from([0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 1])],
  ['an empty name', raw('', 'x')],
  ['a name in capitals', raw('Port', '80')],
  ['a name twice', raw('port', '80', 'port', '81')],
  ['bytes after the end', Buffer.concat([raw('port', '80'), Buffer.alloc(1)])],
];
for (const [what, block] of BROKEN) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(new HeaderDecoder().decode(await compressor()(block)), { name: 'SpdyError' });
  });
}

test('refused: no zlib, another dictionary, a block after the last one', async () => {
  await assert.rejects(new HeaderDecoder().decode(Buffer.from('nonsense')), { name: 'SpdyError' });
  const other = zlib.deflateSync(raw(), { dictionary: Buffer.from('other') });
  await assert.rejects(new HeaderDecoder().decode(other), { name: 'SpdyError' });
  const decoder = new HeaderDecoder();
  await decoder.decode(zlib.deflateSync(raw(), { dictionary: DICTIONARY }));
  await assert.rejects(decoder.decode(await compressor()(raw())), { name: 'SpdyError' });
});
