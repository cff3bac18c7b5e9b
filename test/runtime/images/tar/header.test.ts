import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badTar, parseHeader } from '../../../../runtime/images/tar/header.js';
import { type TarItem, tar, withChecksum } from '../../../support/tar-writer.js';

const block = (item: TarItem): Buffer => Buffer.from(tar([item], false).subarray(0, 512));
const bad = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });

/** A header with other bytes at a place, and a sum that fits. */
function altered(position: number, bytes: string | Buffer): Buffer {
  const header = block({ name: 'f' });
  Buffer.from(bytes as string, 'latin1').copy(header, position);
  return withChecksum(header);
}

test('all fields, and names byte for byte', () => {
  const name = Buffer.of(0x66, 0xff);
  const header = parseHeader(
    block({ name, flag: '4', link: 'to', mode: 0o107755, uid: 5, gid: 6, mtime: 7, device: [8, 9] }),
  );
  assert.deepEqual(header, {
    flag: '4',
    name: 'f\xff',
    linkName: 'to',
    mode: 0o7755,
    uid: 5,
    gid: 6,
    size: 0,
    mtime: 7,
    deviceMajor: 8,
    deviceMinor: 9,
  });
});

test('zeros end the archive, one other byte makes them a broken header', () => {
  assert.equal(parseHeader(Buffer.alloc(512)), undefined);
  const almost = Buffer.alloc(512);
  almost[511] = 1;
  assert.throws(() => parseHeader(almost), bad(/checksum/));
});

test('a checksum of signed bytes holds too, one that is off by one does not', () => {
  const signed = block({ name: Buffer.of(0xff, 0xfe) });
  const sum = Number.parseInt(signed.toString('latin1', 148, 154), 8);
  signed.write(`${(sum - 512).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  assert.equal(parseHeader(signed)?.name, '\xff\xfe');
  signed.write(`${(sum + 1).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  assert.throws(() => parseHeader(signed), bad(/checksum/));
});

test('a name that fills its field has no end; the prefix is joined on in ustar and not in GNU’s format', () => {
  assert.equal(parseHeader(block({ name: 'n'.repeat(100) }))?.name, 'n'.repeat(100));
  assert.equal(parseHeader(altered(345, 'some/prefix'))?.name, 'some/prefix/f');
  const gnu = altered(345, 'some/prefix');
  gnu.write('ustar  \0', 257, 'latin1');
  assert.equal(parseHeader(withChecksum(gnu))?.name, 'f');
});

test('numbers: octal with blanks before and after, base-256 with its sign, nothing for a file’s device', () => {
  assert.equal(parseHeader(altered(124, '   0000017 \0'))?.size, 15);
  assert.equal(parseHeader(altered(124, '\0'.repeat(12)))?.size, 0);
  const large = Buffer.alloc(12);
  large[0] = 0x80;
  large.writeUInt32BE(1, 4);
  assert.equal(parseHeader(altered(124, large))?.size, 2 ** 32);
  assert.equal(parseHeader(altered(136, Buffer.alloc(12, 0xff)))?.mtime, -1);
  assert.equal(parseHeader(altered(329, '0000010\0'))?.deviceMajor, 0);
});

test('what is no number, or beyond what one can hold exactly, is refused by its field', () => {
  assert.throws(() => parseHeader(altered(108, '00000x0\0')), bad(/the uid of a header is not a number/));
  assert.throws(() => parseHeader(altered(124, '00000000008\0')), bad(/the size/));
  assert.throws(
    () => parseHeader(altered(136, Buffer.of(0x80, 0, 0, 0, 0x7f, ...Buffer.alloc(7, 0xff)))),
    bad(/mtime.*range/),
  );
  assert.match(badTar('it is odd').message, /it is odd; the image must be built anew/);
});
