import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PaxRecords, parsePax, paxNumber, paxTime } from '../../../../runtime/images/tar/pax.js';
import { paxBody } from '../../../support/tar-writer.js';

const bad = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });

function parse(body: Buffer | string, records: PaxRecords = new Map()): PaxRecords {
  parsePax(Buffer.from(body as string), records);
  return records;
}

test('values are bytes with equals signs and line ends in them, later records win, an empty one takes a key away', () => {
  const records = parse(
    paxBody({ path: 'a=b\nc', binary: Buffer.of(0, 255) }),
    new Map([
      ['uid', '1'],
      ['path', 'old'],
    ]),
  );
  assert.equal(records.get('path'), 'a=b\nc');
  assert.equal(records.get('binary'), '\0\xff');
  assert.equal(parse(paxBody({ uid: '' }), records).has('uid'), false);
  assert.equal(parse('').size, 0);
});

test('a length that lies is refused: too long, too short, none, with a sign, without its line end', () => {
  for (const body of ['12 a=b\n', '3 a=b\n', 'a=b\n', '-6 a=b\n', '06 a=b\n', '6 a=bX', '6', '999999999 a=b\n']) {
    assert.throws(() => parse(body), bad(/wrong length/), JSON.stringify(body));
  }
  for (const body of ['5 ab\n', '5 =b\n']) assert.throws(() => parse(body), bad(/without a key/), body);
});

test('more records than any archive has are refused', () => {
  const many = (count: number) => paxBody(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v'])));
  assert.equal(parse(many(10_000)).size, 10_000);
  assert.throws(() => parse(many(10_001)), bad(/more than 10000/));
});

test('a number is decimal, whole, and one that is held exactly', () => {
  const number = (value: string) => paxNumber(new Map([['uid', value]]), 'uid');
  assert.equal(number('-12'), -12);
  assert.equal(number('9007199254740991'), Number.MAX_SAFE_INTEGER);
  assert.equal(paxNumber(new Map(), 'uid'), undefined);
  for (const value of ['9007199254740992', '1.5', '0x10', '1e3', ' 1', '+1']) {
    assert.throws(() => number(value), bad(/uid is not a number/), value);
  }
});

test('a time has nanoseconds that are never negative, and digits beyond them are cut', () => {
  const time = (value: string) => paxTime(new Map([['mtime', value]]), 'mtime');
  assert.deepEqual(time('5'), { seconds: 5, nanoseconds: 0 });
  assert.deepEqual(time('5.'), { seconds: 5, nanoseconds: 0 });
  assert.deepEqual(time('5.0000000019'), { seconds: 5, nanoseconds: 1 });
  assert.deepEqual(time('-1.25'), { seconds: -2, nanoseconds: 750_000_000 });
  assert.deepEqual(time('-0.5'), { seconds: -1, nanoseconds: 500_000_000 });
  assert.deepEqual(time('-3'), { seconds: -3, nanoseconds: 0 });
  assert.equal(paxTime(new Map(), 'mtime'), undefined);
  for (const value of ['', 'now', '1.2.3', '--1', '1e9']) assert.throws(() => time(value), bad(/mtime is not a time/));
});
